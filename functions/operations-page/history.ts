import type { BucketCounts, Status } from "./status-types.ts";

/** One moment of the charts. Rates are a second's; what cannot be known yet is absent. */
export interface Sample {
  readonly at: number;
  readonly waiting: ReadonlyMap<string, number>;
  readonly oldestWaitMs: ReadonlyMap<string, number>;
  readonly running: number;
  readonly slots: number;
  readonly requestsPerSecond: number | undefined;
  readonly tokensPerSecond: number | undefined;
  readonly failedPercent: number | undefined;
  readonly retriedPercent: number | undefined;
  readonly firstByteP50Ms: number | undefined;
  readonly firstByteP95Ms: number | undefined;
}

/** How many moments a chart shows. */
export const HISTORY_LENGTH = 120;
// A moment a second, however often somebody looks; timers are a little early at times.
const MOMENT_MS = 900;
// Rates and percentiles are of this time: shorter ones dance, longer ones lag.
const WINDOW_MS = 10_000;

/** The moments that the charts show, made of one status after the other. Scope: one open page. */
export class History {
  readonly samples: Sample[] = [];
  readonly #statuses: { readonly at: number; readonly status: Status }[] = [];

  /** Takes a status; returns whether it became a moment of the charts. */
  push(status: Status): boolean {
    const at = Date.parse(status.at);
    const last = this.#statuses.at(-1);
    // Another instance, or the same one begun anew, counts from zero.
    const isOther =
      last && (last.status.traffic.requests > status.traffic.requests || at < last.at);
    if (isOther) this.#statuses.length = 0;
    this.#statuses.push({ at, status });
    while ((this.#statuses[1]?.at ?? at) <= at - WINDOW_MS) this.#statuses.shift();
    const latest = this.samples.at(-1);
    if (latest && !isOther && at - latest.at < MOMENT_MS) return false;
    this.samples.push(sampleOf(status, this.#statuses[0]?.status ?? status));
    if (this.samples.length > HISTORY_LENGTH) this.samples.shift();
    return true;
  }
}

/** A status as a moment, with what has happened since an earlier one. */
export function sampleOf(status: Status, earlier: Status): Sample {
  const at = Date.parse(status.at);
  const seconds = (at - Date.parse(earlier.at)) / 1000;
  const { traffic } = status;
  const before = earlier.traffic;
  const since = (count: "requests" | "failed" | "attempts" | "inputTokens" | "outputTokens") =>
    traffic[count] - before[count];
  const rate = (count: number) => (seconds > 0 ? count / seconds : undefined);
  const requests = since("requests");
  const percent = (count: number) => (requests > 0 ? (100 * count) / requests : undefined);
  const byClass = (value: (each: Status["waiting"]["classes"][number]) => number) =>
    new Map(status.waiting.classes.map((each) => [`class ${each.priority}`, value(each)]));
  const firstBytes = difference(traffic.firstByteMs, before.firstByteMs);
  return {
    at,
    waiting: byClass(({ waiting }) => waiting),
    oldestWaitMs: byClass(({ oldestWaitMs }) => oldestWaitMs),
    running: status.slots.running,
    slots: status.slots.total,
    requestsPerSecond: rate(requests),
    tokensPerSecond: rate(since("inputTokens") + since("outputTokens")),
    failedPercent: percent(since("failed")),
    retriedPercent: percent(Math.max(0, since("attempts") - requests)),
    firstByteP50Ms: percentile(firstBytes, 0.5),
    firstByteP95Ms: percentile(firstBytes, 0.95),
  };
}

function difference({ bounds, counts }: BucketCounts, before: BucketCounts): BucketCounts {
  return { bounds, counts: counts.map((count, at) => count - (before.counts[at] ?? 0)) };
}

/** A percentile of what fell into buckets, by the place within its bucket; undefined of nothing. */
export function percentile({ bounds, counts }: BucketCounts, part: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = part * total;
  for (const [at, count] of counts.entries()) {
    if (left > count || count === 0) {
      left -= count;
      continue;
    }
    const low = at === 0 ? 0 : (bounds[at - 1] ?? 0);
    // What lies above all bounds is told as the last one: nobody knows more.
    const high = bounds[at] ?? low;
    return low + ((high - low) * left) / count;
  }
  return bounds.at(-1);
}
