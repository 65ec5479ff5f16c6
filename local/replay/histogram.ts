// A day: no wait of a replay is longer.
const MAX_VALUE = 86_400_000;
const GROWTH = 1.01;
const BUCKETS = Math.ceil(Math.log(MAX_VALUE) / Math.log(GROWTH)) + 2;

/**
 * Counts durations in buckets that grow by 1 %, so that percentiles are within half a percent and the
 * memory is the same for ten requests and ten million. Scope: one replay.
 */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds a duration in milliseconds. */
  add(valueMs: number): void {
    const value = Math.min(Math.max(0, valueMs), MAX_VALUE);
    const bucket = bucketOf(value);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  /** Adds all that another one holds. */
  merge(other: Histogram): void {
    for (const [bucket, count] of other.#counts.entries()) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
    }
    this.#count += other.#count;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  /** The smallest duration that at least this share (0 to 1) does not exceed; undefined while empty. */
  percentile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    const rank = Math.min(Math.max(1, Math.ceil(share * this.#count)), this.#count);
    if (rank === this.#count) return this.#max;
    let seen = 0;
    const bucket = this.#counts.findIndex((count) => {
      seen += count;
      return seen >= rank;
    });
    return Math.min(Math.max(middleOf(bucket), this.#min), this.#max);
  }
}

// Bucket 0 holds what is below a millisecond, bucket n from GROWTH^(n-1) to GROWTH^n.
const bucketOf = (value: number): number =>
  value < 1 ? 0 : Math.floor(Math.log(value) / Math.log(GROWTH)) + 1;

const middleOf = (bucket: number): number => (bucket === 0 ? 0 : GROWTH ** (bucket - 0.5));
