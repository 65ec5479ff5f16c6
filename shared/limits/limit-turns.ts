import type { LimitedSubject, LimitName } from "./limits.ts";
import type { LimitExceeded } from "./subject-use.ts";

/** A claim that was refused by one of its subjects. */
export interface LimitRefusal extends LimitExceeded {
  readonly subject: LimitedSubject;
}

const MINUTE_MS = 60_000;
// What asks only once a day is free again does not all come in the same moment.
const DAILY_GAP_MS = 100;
const MAX_LINES = 10_000;

/**
 * Gives each of those that wait for the same limit a time of its own, at the pace that the limit allows:
 * they would otherwise all come at once, and all but a few be refused again. Scope: per instance.
 */
export class LimitTurns {
  readonly #nextAt = new Map<string, number>();

  /** When a claim of so many tokens that was refused is to be made again, in epoch milliseconds. */
  book(refusal: LimitRefusal, tokens: number, nowMs: number): number {
    const key = `${refusal.limit} ${refusal.subject.id}`;
    const at = Math.max(nowMs + refusal.retryAfterMs, this.#nextAt.get(key) ?? 0);
    if (this.#nextAt.size >= MAX_LINES) this.#sweep(nowMs);
    this.#nextAt.set(key, at + gapMs(refusal, tokens));
    return at;
  }

  #sweep(nowMs: number): void {
    for (const [key, at] of this.#nextAt) if (at <= nowMs) this.#nextAt.delete(key);
  }
}

function gapMs({ limit, retryAfterMs, subject }: LimitRefusal, tokens: number): number {
  const most = subject.limits[limit] ?? 1;
  switch (limit) {
    case "requestsPerMinute":
      return MINUTE_MS / most;
    case "tokensPerMinute":
      return (MINUTE_MS * tokens) / most;
    case "tokensPerDay":
      return DAILY_GAP_MS;
    case "concurrentRequests":
    case "queuedRequests":
      return retryAfterMs / most;
  }
}

/** A limit that has never room for a claim, however long it waits. */
export interface LimitTooSmall {
  readonly limit: LimitName;
  /** As much as it has room for. */
  readonly most: number;
}

/** The first limit that a claim of so many tokens alone is more than, if there is one. */
export function tooSmallLimit(
  subjects: readonly LimitedSubject[],
  tokens: number,
): LimitTooSmall | undefined {
  for (const { limits } of subjects) {
    for (const limit of ["tokensPerMinute", "tokensPerDay"] as const) {
      const most = limits[limit] ?? Number.POSITIVE_INFINITY;
      if (tokens > most) return { limit, most };
    }
  }
  return undefined;
}
