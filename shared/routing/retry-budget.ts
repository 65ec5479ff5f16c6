const CAPACITY = 20;

/**
 * Bounds the retries in vain that one backend gets: a retry takes a token, gives it back when it
 * succeeds, and every other success adds a share of one. While a backend fails, retries to it dry up, so
 * a storm of them cannot form. Scope: one backend, per instance.
 */
export class RetryBudget {
  #share: number;
  #tokens = CAPACITY;

  constructor(share: number) {
    this.#share = share;
  }

  get canRetry(): boolean {
    return this.#tokens >= 1;
  }

  /** A retry is sent to the backend. */
  take(): void {
    this.#tokens = Math.max(0, this.#tokens - 1);
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
}
