import type { JobArchive } from "../../jobs/index.ts";
import { readRequestEnvelope } from "../../messaging/index.ts";
import { jobSweepFailed, jobsSwept } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";

// What one sweep leaves is for the next: it must end well before that begins.
const MAX_JOBS_A_SWEEP = 2000;

/**
 * Forgets jobs that ended longer ago than they are kept: results, the request, rows, and the engine's
 * history last, because that is the list by which they are found again when a sweep breaks off.
 */
export async function sweepJobs(services: Services, archive: JobArchive): Promise<void> {
  const { clock, settings, emit, stopping } = services;
  let swept = 0;
  try {
    const due = await archive.endedBefore(clock.now() - settings.jobRetentionMs);
    for (const jobId of due.slice(0, MAX_JOBS_A_SWEEP)) {
      if (stopping.aborted) break;
      await forgetJob(services, jobId);
      await archive.purge(jobId);
      swept += 1;
    }
  } catch (error) {
    emit(jobSweepFailed(error));
  }
  if (swept > 0) emit(jobsSwept(swept));
}

async function forgetJob({ jobs, waitingRoom }: Services, jobId: string): Promise<void> {
  const snapshot = await jobs?.store.read(jobId);
  if (!jobs) return;
  if (!snapshot) {
    // It was given up before it was a job: its caller was answered otherwise, or had gone.
    await waitingRoom?.claimCheck.discardAll(`jobs/${jobId}/`);
    return jobs.store.remove(jobId);
  }
  await jobs.files.remove(snapshot);
  const { batch } = snapshot.job;
  if (batch) {
    await jobs.batches.remove(jobId, batch.pieces.length);
    // The bodies of lines whose messages nobody has seen any more.
    await waitingRoom?.claimCheck.discardAll(`jobs/${jobId}/`);
  }
  await waitingRoom?.claimCheck.discard(readRequestEnvelope(snapshot.job.request).body);
  await jobs.store.remove(jobId);
}
