import { type LimitedSubject, type LimitName, NO_REMOTE_USE, type RemoteUse } from "./limits.ts";
import { SlidingWindow } from "./sliding-window.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const SLOTS_PER_MINUTE = 60;
// Until a request of the subject has ended, nothing is known of how long its requests hold a place.
const UNKNOWN_HOLD_MS = 1000;
const HOLD_WEIGHT = 0.2;

/** Why a subject may not have another request now. */
export interface LimitExceeded {
  readonly limit: LimitName;
  /** When enough is free again, as far as can be told, in milliseconds. */
  readonly retryAfterMs: number;
}

/** What one user or group uses, here and, as far as known, elsewhere. Scope: per instance. */
export class SubjectUse {
  readonly #requests = new SlidingWindow({ windowMs: MINUTE_MS, slots: SLOTS_PER_MINUTE });
  readonly #tokens = new SlidingWindow({ windowMs: MINUTE_MS, slots: SLOTS_PER_MINUTE });
  #day = 0;
  #tokensToday = 0;
  #holdMs = UNKNOWN_HOLD_MS;
  /** What other instances use; replaced as a whole whenever the ledger is read. */
  remote: RemoteUse = NO_REMOTE_USE;
  concurrent = 0;
  queued = 0;
  /** See {@link LimitedSubject}. */
  isAnybody = false;

  /** The first limit that a request of so many tokens would pass, if any. */
  exceeded({ limits }: LimitedSubject, tokens: number, nowMs: number): LimitExceeded | undefined {
    const { requestsPerMinute, tokensPerMinute, tokensPerDay, concurrentRequests } = limits;
    const inMinute = this.#requests.total(nowMs) + this.remote.requestsInMinute + 1;
    if (inMinute > (requestsPerMinute ?? Number.POSITIVE_INFINITY)) {
      const over = inMinute - (requestsPerMinute ?? 0);
      return { limit: "requestsPerMinute", retryAfterMs: this.#requests.waitFor(over, nowMs) };
    }
    const tokensInMinute = this.#tokens.total(nowMs) + this.remote.tokensInMinute + tokens;
    if (tokensInMinute > (tokensPerMinute ?? Number.POSITIVE_INFINITY)) {
      const over = tokensInMinute - (tokensPerMinute ?? 0);
      return { limit: "tokensPerMinute", retryAfterMs: this.#tokens.waitFor(over, nowMs) };
    }
    if (this.today(nowMs) + tokens > (tokensPerDay ?? Number.POSITIVE_INFINITY)) {
      return { limit: "tokensPerDay", retryAfterMs: DAY_MS - (nowMs % DAY_MS) };
    }
    if (
      this.concurrent + this.remote.concurrent >=
      (concurrentRequests ?? Number.POSITIVE_INFINITY)
    ) {
      return { limit: "concurrentRequests", retryAfterMs: this.#holdMs };
    }
    return this.#queueExceeded(limits.queuedRequests);
  }

  /** Counts, or with negative amounts uncounts, at the time at which it was reserved. */
  count(amounts: { requests: number; tokens: number }, atMs: number, nowMs: number): void {
    this.#requests.add(atMs, amounts.requests, nowMs);
    this.#tokens.add(atMs, amounts.tokens, nowMs);
    if (this.#rollDay(nowMs) === Math.floor(atMs / DAY_MS)) this.#tokensToday += amounts.tokens;
  }

  /** Notes how long a request held its place. */
  recordHold(holdMs: number): void {
    this.#holdMs += HOLD_WEIGHT * (holdMs - this.#holdMs);
  }

  /** Tokens of the UTC day, everywhere. */
  today(nowMs: number): number {
    this.#rollDay(nowMs);
    return this.#tokensToday + this.remote.tokensToday;
  }

  /** What this instance alone uses, for the ledger. */
  local(nowMs: number): RemoteUse {
    this.#rollDay(nowMs);
    return {
      requestsInMinute: this.#requests.total(nowMs),
      tokensInMinute: this.#tokens.total(nowMs),
      tokensToday: this.#tokensToday,
      concurrent: this.concurrent,
    };
  }

  /** Milliseconds until the minute's windows are empty. */
  resetMs(nowMs: number): { requests: number; tokens: number } {
    const whole = (window: SlidingWindow): number =>
      window.total(nowMs) > 0 ? window.waitFor(window.total(nowMs), nowMs) : 0;
    return { requests: whole(this.#requests), tokens: whole(this.#tokens) };
  }

  /** Whether forgetting this subject would lose nothing. */
  isIdle(nowMs: number): boolean {
    return this.isQuiet(nowMs) && this.local(nowMs).tokensToday === 0;
  }

  /** Whether nothing of it ran within the last minute, here. */
  isQuiet(nowMs: number): boolean {
    const { requestsInMinute, tokensInMinute, concurrent } = this.local(nowMs);
    // Each by itself: a correction of what another instance counted is negative here.
    return [requestsInMinute, tokensInMinute, concurrent, this.queued].every((use) => use === 0);
  }

  #queueExceeded(queuedRequests: number | undefined): LimitExceeded | undefined {
    if (this.queued < (queuedRequests ?? Number.POSITIVE_INFINITY)) return undefined;
    return { limit: "queuedRequests", retryAfterMs: this.#holdMs };
  }

  #rollDay(nowMs: number): number {
    const day = Math.floor(nowMs / DAY_MS);
    if (day !== this.#day) {
      this.#day = day;
      this.#tokensToday = 0;
    }
    return day;
  }
}
