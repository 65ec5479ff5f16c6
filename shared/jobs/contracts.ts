import type { JobOutcome, JobRecord, JobSnapshot } from "./job.ts";
import type { JobEngineInput, JobSignal } from "./job-run.ts";

/** Where jobs are kept: the truth that survives every process. Scope of what it holds: global. */
export interface JobStore {
  insert(job: JobRecord): Promise<void>;
  read(jobId: string): Promise<JobSnapshot | undefined>;
  /** Notes that an attempt began. */
  recordStart(jobId: string, attempt: number, startedAt: number): Promise<void>;
  /** Notes that an attempt ended and is to be repeated; the first note of an attempt stands. */
  recordRetry(jobId: string, attempt: number, retryAfterMs: number): Promise<void>;
  /** What the worker of an attempt said, or would say, to the orchestrator; undefined while it runs. */
  signalOf(jobId: string, attempt: number): Promise<JobSignal | undefined>;
  /** Inserts the outcome unless there is one; returns the one that stands. */
  commitOutcome(jobId: string, outcome: JobOutcome): Promise<JobOutcome>;
}

/** The durable engine that owns a job's course. */
export interface JobEngine {
  start(jobId: string, input: JobEngineInput): Promise<void>;
  /** Tells a waiting orchestrator; losing the signal delays a job but never loses it. */
  signal(jobId: string, signal: JobSignal): Promise<void>;
}
