import { GatewayError } from "../../core/errors.ts";
import type { GatewayResponse } from "../../core/http.ts";
import { type JobEngine, type JobSnapshot, stateOf } from "../../jobs/index.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import { enterLane } from "../lanes/enter-lane.ts";
import { packRequestBody } from "../read-request-body.ts";
import type { Services } from "../services.ts";
import { acceptedAnswer } from "./accepted-answer.ts";
import { jobRecordOf, newEngineInput } from "./job-record.ts";
import { sendOff } from "./place-attempt.ts";
import { startJob } from "./start-job.ts";

const ENQUEUED_MS = 10_000;
const AGAIN_MS = 2000;

/**
 * Makes a job of a request. The order is the promise: body, then orchestrator, then row, and only
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
  // Nothing is begun anew for what stands: it may have ended, and its engine with it.
  const known = admitted.isRepeated ? await jobs.store.read(id) : undefined;
  if (known) return standingAnswer(services, admitted, known);
  const body = await packRequestBody(waitingRoom.claimCheck, `jobs/${id}/request`, admitted.body);
  const job = jobRecordOf({ ...admitted, isOver: countJob(services, admitted) }, body, settings);
  const input = newEngineInput(job, services, admitted.request.trace);
  if (await startJob({ jobs, engine, clock, input }, job)) {
    sendOff(services, job, input.trace);
    const preferenceApplied = admitted.ticket.promotion?.preference;
    return acceptedAnswer(services, { job, state: "queued", preferenceApplied });
  }
  return standingAnswer(services, admitted, await jobs.store.read(id));
}

/** The answer of a repetition, whose job the first request has made. */
function standingAnswer(
  services: Services,
  { ticket, reservation }: AdmittedRequest,
  standing: JobSnapshot | undefined,
): Promise<GatewayResponse> {
  // The first of the two has claimed the limits for both.
  reservation?.release(services.clock.now());
  if (!standing) {
    throw new GatewayError("storage-unavailable", "What stands in the job's place is no job.", {
      retryAfterMs: AGAIN_MS,
    });
  }
  const preferenceApplied = ticket.promotion?.preference;
  const { job } = standing;
  return acceptedAnswer(services, { job, state: stateOf(standing), preferenceApplied });
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
