import type { Clock } from "../core/clock.ts";
import type { LimitBook } from "./limit-book.ts";
import type { LimitClaim } from "./limits.ts";

interface Abandoned {
  readonly claim: LimitClaim;
  readonly expiresAt: number;
}

// Twice what waits in an instance unless it is told otherwise; of more, the newest are known.
const MOST_KNOWN = 2000;

/**
 * What was given back of requests whose callers left while another instance may have run them: nobody
 * here could know. An answer that comes for one all the same is the proof, and its prompt is counted
 * again. Scope: per instance.
 */
export class AbandonedClaims {
  readonly #book: Pick<LimitBook, "correct">;
  readonly #clock: Pick<Clock, "now">;
  readonly #claims = new Map<string, Abandoned>();

  constructor(book: Pick<LimitBook, "correct">, clock: Pick<Clock, "now">) {
    this.#book = book;
    this.#clock = clock;
  }

  /** The request's claim was released; until `expiresAt` an answer may come. */
  add(requestId: string, claim: LimitClaim, expiresAt: number): void {
    this.#claims.set(requestId, { claim, expiresAt });
    // In the order of leaving: about that of expiring.
    for (const [id, oldest] of this.#claims) {
      if (this.#claims.size <= MOST_KNOWN && oldest.expiresAt > this.#clock.now()) return;
      this.#claims.delete(id);
    }
  }

  /** A backend has worked on the request. */
  charge(requestId: string): void {
    const abandoned = this.#claims.get(requestId);
    if (!abandoned) return;
    this.#claims.delete(requestId);
    const { claim } = abandoned;
    this.#book.correct(claim, { requests: 1, tokens: claim.promptTokens ?? 0 }, this.#clock.now());
  }
}
