import type { JobOutcome, JobTurn, ProviderWork } from "../../jobs/index.ts";
import type { JobServices, Services } from "../services.ts";
import { accountJob } from "./account-job.ts";

/** Of which job a transition is told. */
export interface JobRef {
  readonly services: Services;
  readonly jobs: JobServices;
  readonly jobId: string;
}

/**
 * An attempt begins; undefined when its message is void, because the job was moved to another lane.
 * What follows waits until the beginning is told.
 */
export async function startAttempt(
  { services, jobs, jobId }: JobRef,
  turn: JobTurn,
): Promise<{ readonly told: Promise<void> } | undefined> {
  if (!(await jobs.store.recordStart(jobId, turn, services.clock.now()))) return undefined;
  return { told: jobs.events.announce(jobId, { kind: "running", attempt: turn.attempt }) };
}

/** An attempt has ended, and the job is to be tried again. */
export async function retryJob(
  { services, jobs, jobId, attempt }: JobRef & { readonly attempt: number },
  { retryAfterMs, reason }: { readonly retryAfterMs: number; readonly reason: string },
): Promise<void> {
  const endedAt = services.clock.now();
  await jobs.store.recordRetry(jobId, attempt, { endedAt, reason, retryAfterMs });
  const retryAt = endedAt + retryAfterMs;
  await jobs.events.announce(jobId, { kind: "retrying", attempt, retryAt });
}

/** A provider goes on with an attempt's work; returns the work that it is. */
export async function handOverJob(
  { jobs, jobId }: JobRef,
  work: ProviderWork,
): Promise<ProviderWork> {
  const standing = await jobs.store.recordHandOver(jobId, work);
  await jobs.events.announce(jobId, { kind: "handedOver", attempt: work.attempt });
  return standing;
}

/** A job ends, unless it has ended otherwise; returns the outcome that stands. */
export async function endJob(ref: JobRef, outcome: JobOutcome): Promise<JobOutcome> {
  const { jobs, jobId } = ref;
  const standing = await jobs.store.commitOutcome(jobId, outcome);
  await Promise.all([
    jobs.events.announce(jobId, { kind: "ended", outcome: standing }),
    accountJob(ref),
  ]);
  return standing;
}
