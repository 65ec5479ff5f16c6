interface Average {
  valueMs: number;
  measuredAt: number;
}

// Each answer moves the average by this part, so about the last ten answers decide.
const LATENCY_WEIGHT = 0.2;
/** What was measured so long ago is forgotten, so that a backend that was slow is tried again. */
const STALE_MS = 300_000;
/** How soon one is tried again that answered with nothing by which its speed can be told. */
const TRY_AGAIN_MS = 10_000;

/**
 * How long a backend takes to its first byte: by real calls where there are any, else by probes.
 * Scope: one backend, per instance.
 */
export class LatencyMeter {
  #real: Average | undefined;
  #probed: Average | undefined;
  #unmeasuredAt = Number.NEGATIVE_INFINITY;

  record(firstByteMs: number, nowMs: number): void {
    this.#real = moved(fresh(this.#real, nowMs), firstByteMs, nowMs);
  }

  recordProbe(firstByteMs: number, nowMs: number): void {
    this.#probed = moved(fresh(this.#probed, nowMs), firstByteMs, nowMs);
  }

  /** A call was answered, with a refusal or the like: how long that took says nothing of an answer. */
  answeredUnmeasured(nowMs: number): void {
    this.#unmeasuredAt = nowMs;
  }

  /** Whether nothing is known of it that a call to it could not tell better. */
  isUntried(nowMs: number): boolean {
    const isNew = nowMs - this.#unmeasuredAt >= TRY_AGAIN_MS;
    return isNew && this.latencyMs(nowMs) === undefined;
  }

  latencyMs(nowMs: number): number | undefined {
    return (fresh(this.#real, nowMs) ?? fresh(this.#probed, nowMs))?.valueMs;
  }

  /** What real calls took; a probe says nothing about how long an answer may take. */
  realMs(nowMs: number): number | undefined {
    return fresh(this.#real, nowMs)?.valueMs;
  }
}

const fresh = (average: Average | undefined, nowMs: number): Average | undefined =>
  average && nowMs - average.measuredAt <= STALE_MS ? average : undefined;

const moved = (known: Average | undefined, valueMs: number, nowMs: number): Average => ({
  valueMs: known ? known.valueMs + LATENCY_WEIGHT * (valueMs - known.valueMs) : valueMs,
  measuredAt: nowMs,
});
