import type { PriorityClass } from "../core/domain.ts";
import type { LimitClaim } from "../limits/index.ts";
import type { BatchFacts, BatchProgress } from "./batch.ts";
import type { JobUsage } from "./job-usage.ts";
import type { ProviderWork } from "./provider-work.ts";

/** The caller's view of a job. The last four are final. */
export type JobState = "queued" | "running" | "succeeded" | "failed" | "expired" | "cancelled";

/** How a job can end. */
export type FinalState = Exclude<JobState, "queued" | "running">;

/** Who is told of a job's changes of state, besides those who ask. */
export interface NotifyTargets {
  /** The caller's Service Bus topic. */
  readonly topic?: string;
  /** Where webhooks go: URLs that the caller's profile allows. */
  readonly webhooks?: readonly string[];
  /** The profile that allows the webhooks, and says what signs them. */
  readonly profileId?: string;
}

/** Where a caller finds results without asking the gateway, as its profile said at the time. */
export interface ResultPlace {
  readonly container: string;
  /** Whether links to the results are signed, so that they open without a credential. */
  readonly signsLinks: boolean;
  /** How long a signed link stays valid, in seconds. */
  readonly linkSeconds: number;
}

/** A job as it was accepted; never changes afterwards. */
export interface JobRecord {
  readonly id: string;
  readonly owner: string;
  /** Within whose share the owner has a share. */
  readonly group?: string;
  readonly priority: PriorityClass;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** The request as text that the messaging room made and can read: no credential in clear. */
  readonly request: string;
  readonly notify?: NotifyTargets;
  /** Absent for callers who have no place of their own: their results are read through the gateway. */
  readonly results?: ResultPlace;
  /** Present for a job that is many requests. */
  readonly batch?: BatchFacts;
  /** What its request claimed of its caller's limits; corrected when it is known what it used. */
  readonly claim?: LimitClaim;
}

/** The files of a batch that has ended. */
export interface BatchFiles {
  readonly output: JobResult;
  readonly errors: JobResult;
  /** What all its lines used together. */
  readonly usage?: JobUsage;
}

/** A backend's whole answer, kept for the caller. */
export interface JobResult {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Name of the blob that holds the exact bytes. */
  readonly blob: string;
  /** The blob's container; absent for the gateway's own. */
  readonly container?: string;
  /** The attempt's own blob, of which this one is a copy. */
  readonly source?: string;
  /** Number of the event stream that it is, for those who follow it. */
  readonly stream?: number;
  readonly sizeBytes: number;
}

/**
 * How a job ended. Inserted once: whoever inserts first decides, everybody else finds it and acts on
 * it, so that a job has exactly one final state whatever is killed or delivered twice.
 */
export interface JobOutcome {
  readonly state: FinalState;
  readonly endedAt: number;
  readonly attempt: number;
  readonly result?: JobResult;
  /** What the result used. */
  readonly usage?: JobUsage;
  /** Who answered, by its label: for the gateway's own records only. */
  readonly backend?: string;
  /** A code of the error catalogue, where the gateway itself ended the job. */
  readonly error?: { readonly code: string; readonly detail: string };
}

/** Whether a job ended before its work did. With a result the word was that of whoever did the work. */
export const isAbandoned = ({ state, result }: JobOutcome): boolean =>
  (state === "cancelled" || state === "expired") && result === undefined;

/**
 * Which message runs an attempt. A job that is moved to another lane gets a new message with the next
 * epoch, and the one before is void.
 */
export interface JobTurn {
  readonly attempt: number;
  /** 0 unless the job was moved while this attempt waited. */
  readonly epoch: number;
}

/** The turn that every job begins with. */
export const FIRST_TURN: JobTurn = { attempt: 1, epoch: 0 };

/** Why an attempt did not end its job, and what follows. */
export interface AttemptEnd {
  readonly endedAt: number;
  /** The answer's status, or the code of an error. */
  readonly reason: string;
  readonly retryAfterMs: number;
}

/** One attempt that began. */
export interface JobAttempt {
  readonly attempt: number;
  readonly startedAt: number;
  /** Absent while it runs, and for the attempt that ended the job. */
  readonly end?: AttemptEnd;
}

/** Everything that is known of a job. */
export interface JobSnapshot {
  readonly job: JobRecord;
  /** Its class now: that of its record unless it was moved. */
  readonly priority: PriorityClass;
  /** Number of attempts that began. */
  readonly attempts: number;
  readonly history: readonly JobAttempt[];
  readonly startedAt: number | undefined;
  /** The attempt that runs or comes next. */
  readonly turn: JobTurn;
  /** Until when the instance that runs the attempt in process has said that it lives. */
  readonly lease: JobLease | undefined;
  /** The last time an attempt went to wait for its backends. */
  readonly wait?: JobWait | undefined;
  /** The work of the last attempt that a provider has taken over. */
  readonly provider?: ProviderWork | undefined;
  readonly outcome: JobOutcome | undefined;
  /** Whether its end has been entered into the records, and its claim corrected. */
  readonly isAccounted: boolean;
  /** Of a batch: how many lines are done, a moment ago. */
  readonly progress?: BatchProgress | undefined;
  readonly files?: BatchFiles | undefined;
}

/** The word of an instance that it runs an attempt in process, where no lane's lock says so. */
export interface JobLease {
  readonly attempt: number;
  readonly until: number;
}

/** An attempt has begun, and waits for backends that are full or rest. */
export interface JobWait {
  readonly attempt: number;
  /** When it asks them again. */
  readonly until: number;
}

/** The state that a snapshot shows. */
export function stateOf({ outcome, history }: JobSnapshot): JobState {
  if (outcome) return outcome.state;
  const last = history.at(-1);
  return last && !last.end ? "running" : "queued";
}
