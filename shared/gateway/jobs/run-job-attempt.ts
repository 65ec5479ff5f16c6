import { wantsStream } from "../../admission/index.ts";
import { callBackends, type OutgoingRequest } from "../calls/call-backends.ts";
import { RequeueError } from "../calls/requeue-error.ts";
import { JobEndedError } from "../end-reasons.ts";
import { fromEnvelope } from "../entry/request-envelope.ts";
import type { LaneRun } from "../lanes/lane-run.ts";
import { closeRequestBody } from "../read-request-body.ts";
import {
  type AttemptResult,
  commitAttempt,
  failedOutcome,
  type JobAttemptRun,
  resultOfAnswer,
  resultOfError,
  signalEngine,
} from "./job-attempt.ts";
import { startAttempt } from "./job-transitions.ts";
import { releaseProvider } from "./release-provider.ts";
import { watchJob } from "./watch-job.ts";

/**
 * Runs one attempt of a job. It commits by inserting a row after its bytes are in place, and only then
 * signals the orchestrator; a redelivery finds the row and signals again.
 */
export async function runJobAttempt(lane: LaneRun, signal: AbortSignal): Promise<void> {
  const run = attemptOf(lane);
  const { jobs, jobId, attempt } = run;
  const standing = await jobs.store.signalOf(jobId, attempt);
  if (standing) {
    // Whoever handed the work over may have died before they could stop what nobody wants any more.
    if (standing.isAbandoned === true) await releaseProvider(run.services, jobId);
    return signalEngine(run, standing);
  }
  const { epoch = 0 } = lane.envelope;
  const start = await startAttempt(run, { attempt, epoch });
  if (!start) return;
  const result = await watched(run, lane, signal);
  // The end must not overtake the beginning: nothing follows it.
  await start.told;
  if (result) await commitAttempt(run, result);
}

/** Ends a job whose message cannot be processed, so that it does not wait for its deadline. */
export async function abandonJob(lane: LaneRun): Promise<void> {
  const run = attemptOf(lane);
  const error = { code: "delivery-failed", detail: "The job could not be processed." };
  await commitAttempt(run, { outcome: failedOutcome(run, error) });
}

function attemptOf({ services, jobs, engine, envelope }: LaneRun): JobAttemptRun {
  const { id: jobId, attempt, maxAttempts } = envelope;
  return { services, jobs, engine, jobId, attempt, maxAttempts };
}

/** Runs the attempt for as long as the job has not ended elsewhere; undefined when it has. */
async function watched(
  run: JobAttemptRun,
  lane: LaneRun,
  parent: AbortSignal,
): Promise<AttemptResult | undefined> {
  using watch = watchJob(run, parent);
  try {
    return await callFor(run, lane, watch.signal);
  } catch (error) {
    if (!(watch.signal.reason instanceof JobEndedError)) throw error;
    await signalEngine(run, { attempt: run.attempt, isFinal: true });
    return undefined;
  }
}

async function callFor(
  run: JobAttemptRun,
  { room, envelope, trip }: LaneRun,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { services } = run;
  let stored: OutgoingRequest | undefined;
  try {
    stored = await fromEnvelope(envelope, room.claimCheck, services.settings);
    // A stream is followed as it comes; of anything else only the whole is of use.
    const outgoing = { ...stored, whole: !wantsStream(stored.headers, stored.body) };
    const answer = await callBackends(services, { ...outgoing, trip }, signal);
    return await resultOfAnswer(run, answer, signal);
  } catch (error) {
    // Nobody failed: the same attempt waits for its backends, for as long as the job lives.
    if (error instanceof RequeueError) throw error;
    const result = signal.aborted ? undefined : resultOfError(run, error);
    if (!result) throw error;
    return result;
  } finally {
    if (stored) closeRequestBody(stored);
  }
}
