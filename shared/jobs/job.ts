import type { PriorityClass } from "../core/domain.ts";

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
  /** Name of the secrets that sign the webhooks. */
  readonly webhookSecret?: string;
}

/** A job as it was accepted; never changes afterwards. */
export interface JobRecord {
  readonly id: string;
  readonly owner: string;
  readonly priority: PriorityClass;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** The request as text that the messaging room made and can read: no credential in clear. */
  readonly request: string;
  readonly notify?: NotifyTargets;
}

/** A backend's whole answer, kept for the caller. */
export interface JobResult {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** Name of the blob that holds the exact bytes. */
  readonly blob: string;
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
  /** A code of the error catalogue, where the gateway itself ended the job. */
  readonly error?: { readonly code: string; readonly detail: string };
}

/** Everything that is known of a job. */
export interface JobSnapshot {
  readonly job: JobRecord;
  /** Number of the newest attempt that began, 0 while none has. */
  readonly attempts: number;
  readonly startedAt: number | undefined;
  readonly outcome: JobOutcome | undefined;
}

/** The state that a snapshot shows. */
export function stateOf({ outcome, attempts }: JobSnapshot): JobState {
  if (outcome) return outcome.state;
  return attempts > 0 ? "running" : "queued";
}
