import { GatewayError } from "../core/errors.ts";
import type { GatewayResponse } from "../core/http.ts";
import {
  type JobEngine,
  type JobRecord,
  type JobState,
  type JobStore,
  stateOf,
} from "../jobs/index.ts";
import { acceptedAnswer } from "./accepted-answer.ts";
import { enterLane } from "./enter-lane.ts";
import { engineInputOf, jobRecordOf } from "./job-record.ts";
import { packRequestBody } from "./read-request-body.ts";
import type { AdmittedRequest } from "./request-envelope.ts";
import { isKeyed } from "./serve-once.ts";
import type { Services } from "./services.ts";
import { startJob, storeJob } from "./start-job.ts";

const ENQUEUED_MS = 10_000;

/**
 * Makes a job of a request. The order is the promise: body, then row, then orchestrator, and only
 * then the 202, so that whatever was answered 202 survives any crash.
 */
export async function acceptJob(
  services: Services,
  admitted: AdmittedRequest,
  engine: JobEngine | undefined,
): Promise<GatewayResponse> {
  const { settings, waitingRoom, jobs, clock } = services;
  if (!waitingRoom || !jobs || !engine) {
    throw new GatewayError("async-unavailable", "This app serves no asynchronous requests.");
  }
  const { id } = admitted.request;
  const body = await packRequestBody(waitingRoom.claimCheck, `jobs/${id}/request`, admitted.body);
  const job = jobRecordOf({ ...admitted, isOver: countJob(services, admitted) }, body, settings);
  const preferenceApplied = admitted.ticket.promotion?.preference;
  const start = { jobs, engine, input: engineInputOf(job, settings, admitted.request.trace) };
  if (await storeJob(start, job, clock.now())) {
    try {
      await startJob(start);
    } catch (error) {
      // Nothing was promised, unless a repetition with the same key has been answered meanwhile. Should
      // the engine have it after all, it finds no job, and ends.
      if (!isKeyed(admitted.request)) await jobs.store.remove(id).catch(() => {});
      throw error;
    }
    return acceptedAnswer(services, { job, state: "queued", preferenceApplied });
  }
  // The first of the two has claimed the limits for both.
  admitted.reservation?.release(clock.now());
  const standing = await resumeJob(jobs.store, job, (known) =>
    startJob({ ...start, input: engineInputOf(known, settings, admitted.request.trace) }),
  );
  return acceptedAnswer(services, { ...standing, preferenceApplied });
}

/** Goes on where an earlier request for the same job broke off; a job that has ended is left alone. */
async function resumeJob(
  store: JobStore,
  job: JobRecord,
  start: (job: JobRecord) => Promise<void>,
): Promise<{ readonly job: JobRecord; readonly state: JobState }> {
  const snapshot = await store.read(job.id);
  const standing = snapshot?.job ?? job;
  if (!snapshot?.outcome) await start(standing);
  return { job: standing, state: snapshot ? stateOf(snapshot) : "queued" };
}

/**
 * Counts a job as its caller's demand, and judges it once, for all its attempts: an attempt that went
 * into one queue first and, repeated after a crash, into the other would not be dropped as a duplicate.
 */
export function countJob(services: Services, { ticket, caller }: AdmittedRequest): boolean {
  const { judgement, hold } = enterLane(services, ticket.priority, caller);
  // Nobody tells this instance when the job begins; whoever runs it counts it then.
  services.clock.schedule(ENQUEUED_MS, hold.release);
  return judgement.isOver;
}
