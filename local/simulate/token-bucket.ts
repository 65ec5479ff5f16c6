const MINUTE_MS = 60_000;

/**
 * Capacity in tokens a minute, as provisioned throughput has it: each call fills the bucket, time
 * empties it, and nothing is taken while it is full. The last call may overfill it. Scope: one backend.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #depth: number;
  #level = 0;
  #drainedAt: number;

  constructor(
    { tokensPerMinute, burstSeconds }: { tokensPerMinute: number; burstSeconds: number },
    nowMs: number,
  ) {
    this.#perMs = tokensPerMinute / MINUTE_MS;
    this.#depth = (tokensPerMinute * burstSeconds) / 60;
    this.#drainedAt = nowMs;
  }

  /** How full it is, from 0 to 1. */
  fill(nowMs: number): number {
    this.#drain(nowMs);
    return Math.min(1, this.#level / this.#depth);
  }

  /** How long until it takes a call again; 0 when it does now. */
  waitMs(nowMs: number): number {
    this.#drain(nowMs);
    const excess = this.#level - this.#depth;
    return excess < 0 ? 0 : Math.floor(excess / this.#perMs) + 1;
  }

  take(tokens: number, nowMs: number): void {
    this.#drain(nowMs);
    this.#level += tokens;
  }

  #drain(nowMs: number): void {
    this.#level = Math.max(0, this.#level - (nowMs - this.#drainedAt) * this.#perMs);
    this.#drainedAt = nowMs;
  }
}
