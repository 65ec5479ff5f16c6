import type { Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import {
  type BatchEngineInput,
  type JobEngine,
  type JobEngineInput,
  type JobRecord,
  MAKING_MS,
  type RunningAttempt,
} from "../../jobs/index.ts";
import type { JobServices } from "../services.ts";

/** A job that is to be begun, and who will own its course. */
export interface JobStart {
  readonly jobs: Pick<JobServices, "store">;
  readonly engine: JobEngine;
  readonly clock: Pick<Clock, "now">;
  readonly input: JobEngineInput | BatchEngineInput;
  /** Of a job whose first attempt runs in this process. */
  readonly running?: RunningAttempt;
}

const ENDING_RETRY_AFTER_MS = 2000;

/**
 * Starts a job's engine, and then stores the job: false when its request was answered, or is a job
 * already. The row is the commit. Whoever is killed before it leaves an engine that finds no job and,
 * `MAKING_MS` later, gives it up by a row of its own in the job's place. So a job that stands has an
 * engine, and one that its engine has given up cannot be stored behind its back.
 */
export async function startJob(start: JobStart, job: JobRecord): Promise<boolean> {
  const { jobs, engine, clock, input, running } = start;
  const { store } = jobs;
  const startedAt = clock.now();
  const isNewEngine = await engine.start(job.id, input);
  if (await store.insert(job, running)) return true;
  const mark = await store.givenUp(job.id);
  if (mark === undefined) return false;
  // A new engine has not given up anything so soon: the mark is that of one before it, which has ended.
  const isOfAnother = isNewEngine && clock.now() - startedAt < MAKING_MS / 2;
  if (isOfAnother) {
    await store.takeUp(job.id, mark);
    if (await store.insert(job, running)) return true;
  }
  throw new GatewayError("storage-unavailable", "The job was given up a moment ago.", {
    retryAfterMs: ENDING_RETRY_AFTER_MS,
  });
}
