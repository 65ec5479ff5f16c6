/** How much of the house one user, or one group, may use; what is absent is not limited. */
export interface Limits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Per day of the UTC calendar. */
  readonly tokensPerDay?: number;
  /** Requests being answered at one time. */
  readonly concurrentRequests?: number;
  /** Requests waiting at one time. */
  readonly queuedRequests?: number;
}

/** Whom limits bind: a user or a group, with an id that is unique among both. */
export interface LimitedSubject {
  readonly id: string;
  readonly limits: Limits;
  /** Whether anybody may call themselves so: then it may be forgotten sooner, or names would fill the memory. */
  readonly isAnybody?: boolean;
}

/**
 * What a request was counted with, for whoever learns later, or on another instance, what it really used.
 * Plain data: it is kept with a job.
 */
export interface LimitClaim {
  readonly subjects: readonly Pick<LimitedSubject, "id" | "isAnybody">[];
  readonly tokens: number;
  /** Of those, the prompt's. */
  readonly promptTokens?: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Which limit a refusal is about. */
export type LimitName = keyof Limits;

/** What other instances use of a subject's limits, as last heard. */
export interface RemoteUse {
  readonly requestsInMinute: number;
  readonly tokensInMinute: number;
  readonly tokensToday: number;
  readonly concurrent: number;
}

export const NO_REMOTE_USE: RemoteUse = {
  requestsInMinute: 0,
  tokensInMinute: 0,
  tokensToday: 0,
  concurrent: 0,
};
