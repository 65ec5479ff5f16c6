import type { TokenEstimate } from "./estimate-tokens.ts";
import type { LimitClaim, LimitedSubject, RemoteUse } from "./limits.ts";
import { NO_REMOTE_USE } from "./limits.ts";
import { type LimitExceeded, SubjectUse } from "./subject-use.ts";

/** A request's claim on its subjects' limits. It must end once, by one of its last three. */
export interface Reservation {
  readonly claim: LimitClaim;
  /** The request waits no more; it counts among the running only. */
  started(): void;
  /** The request was served: what it really used, where that is known, replaces the estimate. */
  settle(tokens: number | undefined, nowMs: number): void;
  /**
   * The caller gave it up while a backend worked on it: that was a request, and has cost its prompt. What
   * the answer had claimed comes back.
   */
  cutOff(nowMs: number): void;
  /** Nothing was served, and not by the caller's fault: the claim is as if it had never been. */
  release(nowMs: number): void;
}

/** How much more was used than was counted; negative where it was less. */
export interface Correction {
  readonly requests: number;
  readonly tokens: number;
}

export type Reserving =
  | { readonly admitted: true; readonly reservation: Reservation }
  | ({ readonly admitted: false; readonly subject: LimitedSubject } & LimitExceeded);

// A subject takes about a kilobyte.
const MAX_UNSWEPT = 10_000;

/**
 * Who uses how much. A claim is checked and taken in one step, before the call is made, so that many
 * parallel requests cannot pass one limit together; other instances' use is as the ledger last told.
 * Scope: per instance.
 */
export class LimitBook {
  readonly #uses = new Map<string, SubjectUse>();
  #sweepAt = MAX_UNSWEPT;

  /** Claims as many tokens as were estimated for all subjects, or for none of them. */
  reserve(
    subjects: readonly LimitedSubject[],
    { total: tokens, prompt: promptTokens }: TokenEstimate,
    nowMs: number,
  ): Reserving {
    if (this.#uses.size >= this.#sweepAt) this.#sweep(nowMs);
    for (const subject of subjects) {
      const exceeded = this.#use(subject.id).exceeded(subject, tokens, nowMs);
      if (exceeded) return { admitted: false, subject, ...exceeded };
    }
    const uses = subjects.map(({ id, isAnybody = false }) => {
      const use = this.#use(id);
      use.isAnybody = isAnybody;
      return use;
    });
    for (const use of uses) {
      use.count({ requests: 1, tokens }, nowMs, nowMs);
      use.concurrent += 1;
      use.queued += 1;
    }
    const claim = { subjects: subjects.map(claimantOf), tokens, promptTokens, at: nowMs };
    return { admitted: true, reservation: reservationOf(uses, claim) };
  }

  /**
   * Corrects a claim that was settled by its estimate before its use was known. Where it was made does
   * not matter: what is too much there is too little here, and only the sum is ever judged.
   */
  correct({ subjects, at }: LimitClaim, by: Correction, nowMs: number): void {
    for (const { id, isAnybody = false } of subjects) {
      const use = this.#use(id);
      use.isAnybody = isAnybody;
      use.count(by, at, nowMs);
    }
  }

  /** What a subject uses; undefined when nothing is known of it. */
  find(subjectId: string): SubjectUse | undefined {
    return this.#uses.get(subjectId);
  }

  /** This instance's own use, by subject, for the ledger. */
  local(nowMs: number): ReadonlyMap<string, RemoteUse> {
    return new Map([...this.#uses].map(([id, use]) => [id, use.local(nowMs)]));
  }

  /** Takes over what all other instances together use, and forgets subjects that are idle everywhere. */
  replaceRemote(remote: ReadonlyMap<string, RemoteUse>, nowMs: number): void {
    for (const [id, use] of this.#uses) {
      use.remote = remote.get(id) ?? NO_REMOTE_USE;
      if (use.remote === NO_REMOTE_USE && use.isIdle(nowMs)) this.#uses.delete(id);
    }
    for (const [id, use] of remote) this.#use(id).remote = use;
  }

  /**
   * Forgets who is idle, and of those whom anybody may name also who was idle for a minute: their tokens
   * of the day are lost, which a new name would have hidden as well. O(1) a request, as the next sweep
   * comes after as many new subjects as this one left.
   */
  #sweep(nowMs: number): void {
    for (const [id, use] of this.#uses) {
      if (use.isIdle(nowMs) || (use.isAnybody && use.isQuiet(nowMs))) this.#uses.delete(id);
    }
    this.#sweepAt = Math.max(MAX_UNSWEPT, 2 * this.#uses.size);
  }

  #use(id: string): SubjectUse {
    const known = this.#uses.get(id);
    if (known) return known;
    const use = new SubjectUse();
    this.#uses.set(id, use);
    return use;
  }
}

const claimantOf = ({ id, isAnybody }: LimitedSubject): LimitClaim["subjects"][number] => ({
  id,
  ...(isAnybody ? { isAnybody } : {}),
});

function reservationOf(uses: readonly SubjectUse[], claim: LimitClaim): Reservation {
  const { tokens: reservedTokens, promptTokens = 0, at: reservedAtMs } = claim;
  let isQueued = true;
  let isOver = false;
  const leaveQueue = (): void => {
    if (!isQueued) return;
    isQueued = false;
    for (const use of uses) use.queued -= 1;
  };
  const end = (correction: Correction, nowMs: number): void => {
    if (isOver) return;
    isOver = true;
    leaveQueue();
    for (const use of uses) {
      use.count(correction, reservedAtMs, nowMs);
      use.concurrent -= 1;
      use.recordHold(nowMs - reservedAtMs);
    }
  };
  return {
    claim,
    started: leaveQueue,
    settle: (tokens = reservedTokens, nowMs) =>
      end({ requests: 0, tokens: tokens - reservedTokens }, nowMs),
    cutOff: (nowMs) => end({ requests: 0, tokens: promptTokens - reservedTokens }, nowMs),
    release: (nowMs) => end({ requests: -1, tokens: -reservedTokens }, nowMs),
  };
}
