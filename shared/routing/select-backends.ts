import type { SpillRules } from "../config/index.ts";
import type { PriorityClass, Random } from "../core/domain.ts";
import type { AffinityTokens } from "./affinity-tokens.ts";
import type { BackendView, PassedOver, PassedOverReason } from "./backend-view.ts";
import { type LoadBalanceMode, orderBackends } from "./order-backends.ts";
import { spillAt, spillRuleFor } from "./spill.ts";

/** What a request brings to the choice of its backend. */
export interface RouteQuery {
  readonly priority: PriorityClass;
  readonly receivedAt: number;
  readonly expiresAt: number;
  /** The affinity header as the client sent it. */
  readonly affinity?: string | undefined;
  /** Keys of the backends that this request tried already, and how that ended. */
  readonly tried: ReadonlyMap<string, TriedMark>;
  /** Key of the backend at which it is this request's turn. */
  readonly turnAt?: string | undefined;
  /** Whether a call would repeat one that a backend failed at. */
  readonly isRetry: boolean;
  /** What the request was too long for. */
  readonly tooLongFor?: TooLongFor | undefined;
}

/**
 * How a backend's turn ended for one request: it failed it, it was silent, or it asked for a wait so
 * short that the next backend is asked at once.
 */
export type TriedMark = "tried" | "silent" | "brief";

/** The models whose context a request does not fit. */
export interface TooLongFor {
  readonly contextWindow: number;
  readonly models: ReadonlySet<string>;
}

export interface SelectionPolicy {
  readonly mode: LoadBalanceMode;
  readonly spill: SpillRules;
  readonly affinity: Pick<AffinityTokens, "of">;
  readonly random: Random;
}

/** The choice and its reasons. */
export interface Selection<View extends BackendView = BackendView> {
  /** Who may be called now, the preferred one first. */
  readonly candidates: readonly View[];
  readonly passedOver: readonly PassedOver[];
  /** The first tier that the request's class may use. */
  readonly firstTier: number | undefined;
  /** Whether the client's affinity decided. */
  readonly isAffine: boolean;
}

/**
 * Chooses among the backends that serve a path, at one moment. Pure: all that changes is in the views.
 * Classes, then tiers, then health, breaker, throttling and concurrency, then the mode.
 */
export function selectBackends<View extends BackendView>(
  views: readonly View[],
  query: RouteQuery,
  { nowMs, policy }: { readonly nowMs: number; readonly policy: SelectionPolicy },
): Selection<View> {
  const firstTier = firstTierOf(views, query);
  const spillsAt = spillAt(spillRuleFor(policy.spill, query.priority), query);
  const passedOver: PassedOver[] = [];
  const usable = views.filter((view) => {
    const obstacle = obstacleFor(view, query, { nowMs, firstTier, spillsAt });
    if (obstacle) passedOver.push({ backend: view.host.id, ...obstacle });
    return !obstacle;
  });
  // Most have one backend to choose from.
  const ordered = usable.length < 2 ? usable : inOrder(usable, policy);
  const { candidates, isAffine } = preferAffine(ordered, query, policy);
  return { candidates, isAffine, passedOver, firstTier };
}

function firstTierOf(views: readonly BackendView[], query: RouteQuery): number | undefined {
  let first: number | undefined;
  for (const view of views) {
    const { tier } = view.host;
    if (servesClass(view, query) && tier <= (first ?? tier)) first = tier;
  }
  return first;
}

function inOrder<View extends BackendView>(
  usable: readonly View[],
  policy: SelectionPolicy,
): View[] {
  const tiers = [...new Set(usable.map(({ host }) => host.tier))].sort((a, b) => a - b);
  return tiers.flatMap((tier) =>
    orderTier(
      usable.filter(({ host }) => host.tier === tier),
      policy,
    ),
  );
}

interface Obstacle {
  readonly reason: PassedOverReason;
  readonly readyAt?: number;
}

interface Moment {
  readonly nowMs: number;
  readonly firstTier: number | undefined;
  readonly spillsAt: number;
}

function obstacleFor(view: BackendView, query: RouteQuery, moment: Moment): Obstacle | undefined {
  const tried = query.tried.get(view.key);
  if (!servesClass(view, query)) return { reason: "class" };
  if (tried === "brief") {
    return { reason: "tried", readyAt: Math.max(view.throttledUntil, moment.nowMs) };
  }
  if (tried) return { reason: tried };
  if (query.tooLongFor && !isLarger(view, query.tooLongFor)) return { reason: "context-window" };
  if (view.host.tier !== moment.firstTier && moment.spillsAt > moment.nowMs) {
    return { reason: "tier", ...readyAt(moment.spillsAt) };
  }
  return stateObstacle(view, query, moment.nowMs);
}

function stateObstacle(view: BackendView, query: RouteQuery, nowMs: number): Obstacle | undefined {
  const { isHealthy, breaker, throttledUntil, inFlight, host, canRetry } = view;
  if (!isHealthy) return { reason: "health" };
  if (breaker.state === "open") return { reason: "breaker", readyAt: breaker.until };
  if (breaker.state === "half-open" && breaker.isProbing) return { reason: "breaker" };
  if (throttledUntil > nowMs) return { reason: "throttled", readyAt: throttledUntil };
  if (isBehind(view, query)) return { reason: "line" };
  if (host.maxConcurrency !== undefined && inFlight >= host.maxConcurrency) {
    return { reason: "concurrency" };
  }
  return query.isRetry && !canRetry ? { reason: "retry-budget" } : undefined;
}

/** Nobody passes those that are as urgent and wait for the backend. */
const isBehind = ({ key, nextInLine }: BackendView, { priority, turnAt }: RouteQuery): boolean =>
  nextInLine !== undefined && nextInLine <= priority && turnAt !== key;

const readyAt = (atMs: number): { readyAt?: number } =>
  Number.isFinite(atMs) ? { readyAt: atMs } : {};

const servesClass = ({ host }: BackendView, { priority }: RouteQuery): boolean =>
  host.priorities?.includes(priority) ?? true;

function isLarger({ host }: BackendView, { contextWindow, models }: TooLongFor): boolean {
  const isSameModel = host.model !== undefined && models.has(host.model);
  return !isSameModel && (host.contextWindow ?? 0) > contextWindow;
}

/** A half-open backend gets the next call: without it, it would be preferred last and stay out. */
function orderTier<View extends BackendView>(
  views: readonly View[],
  { mode, random }: SelectionPolicy,
): View[] {
  const isHalfOpen = ({ breaker }: View): boolean => breaker.state === "half-open";
  const closed = views.filter((view) => !isHalfOpen(view));
  return [...views.filter(isHalfOpen), ...orderBackends(closed, mode, random)];
}

/** Affinity holds within the preferred tier: it must not spend money while fixed capacity is free. */
function preferAffine<View extends BackendView>(
  ordered: readonly View[],
  { affinity }: RouteQuery,
  { affinity: tokens }: SelectionPolicy,
): { candidates: readonly View[]; isAffine: boolean } {
  const tier = ordered[0]?.host.tier;
  const wanted =
    affinity === undefined
      ? undefined
      : ordered.find(({ host }) => host.tier === tier && tokens.of(host) === affinity);
  if (!wanted) return { candidates: ordered, isAffine: false };
  return { candidates: [wanted, ...ordered.filter((view) => view !== wanted)], isAffine: true };
}
