import type { Cancel, Clock } from "../../core/clock.ts";
import type { GatewayResponse } from "../../core/http.ts";
import { withoutRateLimits } from "../../limits/index.ts";
import type { ClaimCheck } from "../../messaging/index.ts";
import { type IdempotencyStore, type KeyUse, LEASE_MS } from "./idempotency-store.ts";

/** What serving a request at most once needs; absent where there is no storage. */
export interface Idempotency {
  readonly store: IdempotencyStore;
  readonly claimCheck: ClaimCheck;
}

export interface HeldKeyOptions {
  readonly idempotency: Idempotency;
  readonly use: KeyUse;
  /** Names the blob of a body that is too large for a row. */
  readonly name: string;
  readonly clock: Clock;
}

const RENEW_MS = LEASE_MS / 3;

/**
 * An idempotency key that one request has. While the request runs its claim is renewed, so that whoever
 * comes with the key again can tell one that takes long from one whose instance is gone. It must end by
 * `keep` or `release`. Scope: one request.
 */
export class HeldKey {
  readonly #options: HeldKeyOptions;
  #cancel: Cancel | undefined;
  #heldUntil: number;
  #isLost = false;
  #isOver = false;

  constructor(options: HeldKeyOptions) {
    this.#options = options;
    this.#heldUntil = options.clock.now() + LEASE_MS;
    // A job's claim outlives the request: it has the job's id, with which whoever comes goes on.
    if (!options.use.job) this.#arm();
  }

  /** Keeps an answer if it can: the answer in hand is worth more than the copy, and never fails for it. */
  async keep(
    { status, headers }: Pick<GatewayResponse, "status" | "headers">,
    bytes: Uint8Array | undefined,
  ): Promise<void> {
    const { idempotency, use, name, clock } = this.#options;
    this.#end();
    try {
      const isOurs =
        use.job !== undefined || clock.now() < this.#heldUntil || (await this.#renew());
      // Another request has taken the key over, and its answer is the one that counts.
      if (this.#isLost || !isOurs) return;
      const body = await idempotency.claimCheck.pack(`idempotency/${name}`, bytes);
      const kept = { status, headers: withoutRateLimits(headers), ...(body ? { body } : {}) };
      await idempotency.store.keep(use, kept);
    } catch {
      await this.release();
    }
  }

  /**
   * Gives the key back. Where that fails the claim ends by itself, as nobody renews it any more. The key of
   * a job is kept: what failed may have left the job behind, which the repetition then goes on with.
   */
  async release(): Promise<void> {
    const { idempotency, use } = this.#options;
    this.#end();
    if (!use.job) await idempotency.store.release(use).catch(() => {});
  }

  #end(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  #arm(): void {
    this.#cancel = this.#options.clock.schedule(RENEW_MS, () => void this.#beat());
  }

  /** A storage that does not answer is asked again: the claim may outlast its absence. */
  async #beat(): Promise<void> {
    await this.#renew().catch(() => {});
    if (!this.#isOver && !this.#isLost) this.#arm();
  }

  async #renew(): Promise<boolean> {
    const { idempotency, use, clock } = this.#options;
    const nowMs = clock.now();
    if (await idempotency.store.renew(use, nowMs)) this.#heldUntil = nowMs + LEASE_MS;
    else this.#isLost = true;
    return !this.#isLost;
  }
}
