interface Bucket {
  readonly startsAt: number;
  total: number;
  failures: number;
}

const BUCKETS = 20;

/**
 * Counts calls and failures of the time just past, in a fixed number of buckets. What is counted is at
 * most a twentieth of the window older than the window. Scope: its owner's.
 */
export class SlidingCounts {
  readonly #bucketMs: number;
  #buckets: Bucket[] = [];

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / BUCKETS;
  }

  add(nowMs: number, isFailure: boolean): void {
    this.#forget(nowMs);
    let bucket = this.#buckets.at(-1);
    if (!bucket || nowMs - bucket.startsAt >= this.#bucketMs) {
      bucket = { startsAt: nowMs, total: 0, failures: 0 };
      this.#buckets.push(bucket);
    }
    bucket.total += 1;
    if (isFailure) bucket.failures += 1;
  }

  at(nowMs: number): { readonly total: number; readonly failures: number } {
    this.#forget(nowMs);
    const sum = { total: 0, failures: 0 };
    for (const { total, failures } of this.#buckets) {
      sum.total += total;
      sum.failures += failures;
    }
    return sum;
  }

  clear(): void {
    this.#buckets = [];
  }

  #forget(nowMs: number): void {
    const oldestAt = nowMs - this.#bucketMs * BUCKETS;
    // A bucket ends when the next one may begin: until then it may hold what is young enough.
    const isKept = ({ startsAt }: Bucket): boolean => startsAt + this.#bucketMs > oldestAt;
    if (this.#buckets[0] && !isKept(this.#buckets[0])) this.#buckets = this.#buckets.filter(isKept);
  }
}
