import type { JobEngine } from "../jobs/index.ts";
import { jobStartsFailed, jobsResumed } from "../telemetry/index.ts";
import type { Services } from "./services.ts";
import { startJob } from "./start-job.ts";

// What one look leaves is for the next.
const MAX_STARTS_A_LOOK = 500;

/**
 * Begins the jobs whose maker was killed between storing them and starting their engine, so that none is
 * listed as waiting that nobody will ever run. Their callers have no 202, but the job is theirs. A start
 * that was made without a word is made again, which changes nothing.
 */
export async function resumeStarts(services: Services, engine: JobEngine): Promise<void> {
  const { jobs, clock, settings, emit, stopping } = services;
  if (!jobs) return;
  let resumed = 0;
  try {
    const notedBefore = clock.now() - settings.jobReconcileMs;
    for (const { jobId, input } of await jobs.store.starting(notedBefore, MAX_STARTS_A_LOOK)) {
      if (stopping.aborted) break;
      const snapshot = await jobs.store.read(jobId);
      if (snapshot && !snapshot.outcome) {
        await startJob({ jobs, engine, input });
        resumed += 1;
      }
      await jobs.store.noteStarted(jobId);
    }
  } catch (error) {
    emit(jobStartsFailed(error));
  }
  if (resumed > 0) emit(jobsResumed(resumed));
}
