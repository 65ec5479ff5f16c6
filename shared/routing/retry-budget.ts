const CAPACITY = 20;
/**
 * A token comes back in any case after so long: a backend that is only ever called for retries, such as
 * one of a later tier, could not show otherwise that it is well again.
 */
const REFILL_MS = 1000;

/**
 * Bounds the retries in vain that one backend gets: a retry takes a token, gives it back when it
 * succeeds, and every other success adds a share of one. While a backend fails, retries to it dry up to
 * one a second, so a storm of them cannot form. Scope: one backend, per instance.
 */
export class RetryBudget {
  #share: number;
  #tokens = CAPACITY;
  #filledAt = 0;

  constructor(share: number) {
    this.#share = share;
  }

  canRetry(nowMs: number): boolean {
    return this.#tokensAt(nowMs) >= 1;
  }

  /** A retry is sent to the backend. */
  take(nowMs: number): void {
    this.#tokens = Math.max(0, this.#tokensAt(nowMs) - 1);
    this.#filledAt = nowMs;
  }

  succeeded(isRetry: boolean): void {
    this.#tokens = Math.min(CAPACITY, this.#tokens + (isRetry ? 1 : this.#share));
  }

  /** The retry was no burden that counts: it was not the backend that failed. */
  giveBack(): void {
    this.#tokens = Math.min(CAPACITY, this.#tokens + 1);
  }

  reconfigure(share: number): void {
    this.#share = share;
  }

  #tokensAt(nowMs: number): number {
    const filled = Math.max(0, nowMs - this.#filledAt) / REFILL_MS;
    return Math.min(CAPACITY, this.#tokens + filled);
  }
}
