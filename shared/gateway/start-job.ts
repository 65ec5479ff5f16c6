import type { BatchEngineInput, JobEngine, JobEngineInput, JobRecord } from "../jobs/index.ts";
import type { JobServices } from "./services.ts";

/** A job that is to be begun, and who will own its course. */
export interface JobStart {
  readonly jobs: Pick<JobServices, "store">;
  readonly engine: JobEngine;
  readonly input: JobEngineInput | BatchEngineInput;
}

/**
 * Stores a job, after a note that its engine is still to be started: whoever is killed in between leaves
 * the note, and the job is begun by it. False when the request was answered, or is a job already.
 */
export async function storeJob(
  { jobs: { store }, input }: Omit<JobStart, "engine">,
  job: JobRecord,
  nowMs: number,
): Promise<boolean> {
  await store.noteStarting(job.id, { input, notedAt: nowMs });
  return store.insert(job);
}

/** Starts a job's engine; that it stands need not be noted before the caller has their answer. */
export async function startJob({ jobs: { store }, engine, input }: JobStart): Promise<void> {
  const { jobId } = input;
  await engine.start(jobId, input);
  store.noteStarted(jobId).catch(() => {});
}
