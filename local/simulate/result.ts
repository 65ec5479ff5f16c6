import type { HostSettings } from "../../shared/config/index.ts";
import type { BackendId } from "../../shared/core/domain.ts";
import type { DurationFigures } from "./durations.ts";
import type { Ending } from "./serve-arrival.ts";
import type { SimulatedBackend } from "./simulated-backend.ts";
import type { ClassTally, Tally } from "./tally.ts";

/** What one class, or all together, came to. Times in milliseconds. */
export interface ClassResult extends Readonly<Record<Ending, number>> {
  readonly arrived: number;
  /** What was not a backend's time, of the answered. */
  readonly wait: DurationFigures;
  readonly firstByte: DurationFigures;
  readonly total: DurationFigures;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly spilled: { readonly requests: number; readonly cost: number } & {
    readonly wait: DurationFigures;
  };
}

/** What one backend came to. */
export interface BackendResult {
  readonly id: BackendId;
  readonly tier: number;
  readonly calls: number;
  readonly answered: number;
  readonly throttled: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** The part of its capacity that was used; null where that has no bound. */
  readonly utilisation: number | null;
  /** The same of the busiest minute, for capacity in tokens. */
  readonly peakUtilisation: number | null;
  readonly breakerOpenings: number;
  readonly cost: number;
}

/** What a simulation came to: plain data, and the same for the same inputs. */
export interface SimulationResult {
  readonly settings: string;
  readonly seed: number;
  /** From the first arrival to the last end. */
  readonly simulatedMs: number;
  readonly all: ClassResult;
  readonly classes: readonly ({ readonly priorityClass: number } & ClassResult)[];
  readonly backends: readonly BackendResult[];
  /** Why requests were not answered, most frequent first. */
  readonly unanswered: Readonly<Record<string, number>>;
  readonly throttled: number;
  readonly retries: number;
  readonly requeued: number;
  readonly breakerOpenings: number;
  readonly cost: number;
  readonly requestsPerSecond: number;
  readonly tokensPerSecond: number;
}

export interface ResultParts {
  readonly settings: string;
  readonly seed: number;
  readonly simulatedMs: number;
  /** From the first arrival to the last: what fixed prices are for, so that all policies pay the same. */
  readonly arrivalsMs: number;
  readonly tally: Tally;
  readonly hosts: readonly HostSettings[];
  readonly backends: ReadonlyMap<BackendId, SimulatedBackend>;
  readonly openings: ReadonlyMap<BackendId, number>;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What a simulation has counted, summed up by class and by backend. */
export function toResult(parts: ResultParts): SimulationResult {
  const { settings, seed, simulatedMs, tally } = parts;
  const backends = parts.hosts.flatMap((host) => {
    const backend = parts.backends.get(host.id);
    return backend ? [backendResult(host, backend, parts)] : [];
  });
  const sum = (of: (backend: BackendResult) => number): number =>
    backends.reduce((total, backend) => total + of(backend), 0);
  const { endings, promptTokens, outputTokens } = tally.all;
  const perSecond = (count: number): number => (simulatedMs > 0 ? (count * 1000) / simulatedMs : 0);
  return {
    settings,
    seed,
    simulatedMs,
    all: classResult(tally.all),
    classes: tally.classes.map(([priorityClass, counted]) => ({
      priorityClass,
      ...classResult(counted),
    })),
    backends,
    unanswered: Object.fromEntries([...tally.codes].sort(([, a], [, b]) => b - a)),
    throttled: sum(({ throttled }) => throttled),
    retries: tally.retries,
    requeued: tally.requeued,
    breakerOpenings: sum(({ breakerOpenings }) => breakerOpenings),
    cost: sum(({ cost }) => cost),
    requestsPerSecond: perSecond(endings.answered),
    tokensPerSecond: perSecond(promptTokens + outputTokens),
  };
}

function classResult(tally: ClassTally): ClassResult {
  return {
    arrived: tally.arrived,
    ...tally.endings,
    wait: tally.wait.figures(),
    firstByte: tally.firstByte.figures(),
    total: tally.total.figures(),
    promptTokens: tally.promptTokens,
    outputTokens: tally.outputTokens,
    spilled: { requests: tally.spilled, cost: tally.spillCost, wait: tally.spillWait.figures() },
  };
}

function backendResult(
  { id, tier }: HostSettings,
  backend: SimulatedBackend,
  { openings, simulatedMs, arrivalsMs }: ResultParts,
): BackendResult {
  const { used, ...counts } = backend.counts;
  const { capacityPerMinute, peakUse } = backend;
  const available = ((capacityPerMinute ?? 0) * simulatedMs) / MINUTE_MS;
  const { promptTokens: contextTokens, outputTokens: generatedTokens } = counts;
  const fixed = (backend.model.pricePerHour * arrivalsMs) / HOUR_MS;
  return {
    id,
    tier,
    ...counts,
    utilisation: available > 0 ? used / available : null,
    peakUtilisation: peakUse ?? null,
    breakerOpenings: openings.get(id) ?? 0,
    cost: fixed + backend.costOf({ contextTokens, generatedTokens }),
  };
}
