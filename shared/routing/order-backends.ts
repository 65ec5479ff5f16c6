import type { Random } from "../core/domain.ts";
import type { BackendView } from "./backend-view.ts";

/** How the first of several equal backends is chosen; the others follow as fallbacks. */
export type LoadBalanceMode = "latency" | "roundrobin" | "random";

// A backend whose calls all fail counts as ten times as slow: it is used last, and not forgotten.
const FAILURE_PENALTY = 9;

/** The same backends, the preferred one first. Those without weight come last in every mode. */
export function orderBackends<View extends BackendView>(
  views: readonly View[],
  mode: LoadBalanceMode,
  random: Random,
): View[] {
  const weighted = views.filter(({ host }) => host.weight > 0);
  const idle = views.filter(({ host }) => host.weight === 0);
  return [...byMode(weighted, mode, random), ...idle];
}

function byMode<View extends BackendView>(
  views: readonly View[],
  mode: LoadBalanceMode,
  random: Random,
): View[] {
  if (views.length < 2) return [...views];
  if (mode === "latency") return byLatency(views);
  return mode === "random" ? byChance(views, random) : byTurn(views);
}

/** Soonest expected first byte first, where every call in flight makes the next one wait as long. */
function byLatency<View extends BackendView>(views: readonly View[]): View[] {
  const measured = views.flatMap(({ latencyMs }) => latencyMs ?? []);
  const guessMs = measured.length > 0 ? Math.min(...measured) : 1;
  const cost = ({ latencyMs, isUntried, inFlight, failureRate, host }: View): number => {
    // One that was never measured is tried at once, by one call; others do not pile up behind it.
    if (isUntried && inFlight === 0 && failureRate === 0) return 0;
    // Who answers, and never with what was asked for, must not be the first choice for being unknown.
    const isUseless = latencyMs === undefined && !isUntried;
    const penalty = 1 + FAILURE_PENALTY * (isUseless ? 1 : failureRate);
    return (Math.max(1, latencyMs ?? guessMs) * (inFlight + 1) * penalty) / host.weight;
  };
  return [...views].sort((a, b) => cost(a) - cost(b));
}

function byChance<View extends BackendView>(views: readonly View[], random: Random): View[] {
  const total = views.reduce((sum, { host }) => sum + host.weight, 0);
  let left = random() * total;
  const drawn = views.findIndex(({ host }) => {
    left -= host.weight;
    return left < 0;
  });
  const first = Math.max(0, drawn);
  return [...views.slice(first), ...views.slice(0, first)];
}

function byTurn<View extends BackendView>(views: readonly View[]): View[] {
  const standing = ({ turn, host }: View): number => turn + host.weight;
  return [...views].sort((a, b) => standing(b) - standing(a));
}

/**
 * The standings after one backend of a pool was called (smooth weighted round-robin): each rises by its
 * weight, and the one that was called falls by the weight of all. They always sum up to what they did.
 */
export function nextTurns(
  pool: readonly BackendView[],
  called: BackendView,
): ReadonlyMap<string, number> {
  const total = pool.reduce((sum, { host }) => sum + host.weight, 0);
  return new Map(
    pool.map((view) => {
      const fall = view.key === called.key ? total : 0;
      return [view.key, view.turn + view.host.weight - fall] as const;
    }),
  );
}
