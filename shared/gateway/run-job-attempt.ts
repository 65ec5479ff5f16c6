import type { BackendAnswer } from "../backends/index.ts";
import { GatewayError } from "../core/errors.ts";
import { retryAfterMs } from "../core/retry-after.ts";
import {
  isWorthRepeating,
  type JobOutcome,
  type JobResult,
  type JobSignal,
  retryDelayMs,
} from "../jobs/index.ts";
import { jobSignalFailed } from "../telemetry/index.ts";
import { callBackends } from "./call-backends.ts";
import { fromEnvelope } from "./request-envelope.ts";
import { RequeueError } from "./requeue-error.ts";
import type { LaneRun } from "./run-lane-message.ts";
import { takeAnswer } from "./take-answer.ts";

/** What an attempt came to: the job's end, or another attempt later. */
type AttemptResult = { readonly outcome: JobOutcome } | { readonly retryAfterMs: number };

/**
 * Runs one attempt of a job. It commits by inserting a row after its bytes are in place, and only then
 * signals the orchestrator; a redelivery finds the row and signals again.
 */
export async function runJobAttempt(run: LaneRun, signal: AbortSignal): Promise<void> {
  const { services, jobs, envelope } = run;
  const { id, attempt } = envelope;
  const standing = await jobs.store.signalOf(id, attempt);
  if (standing) return signalEngine(run, standing);
  await jobs.store.recordStart(id, attempt, services.clock.now());
  const announced = jobs.events.announce(id, { kind: "running", attempt });
  const result = await callFor(run, signal);
  // The end must not overtake the beginning: nothing follows it.
  await announced;
  await commit(run, result);
}

/** Ends a job whose message cannot be processed, so that it does not wait for its deadline. */
export async function abandonJob(run: LaneRun): Promise<void> {
  const { services, envelope } = run;
  await commit(run, {
    outcome: {
      state: "failed",
      endedAt: services.clock.now(),
      attempt: envelope.attempt,
      error: { code: "delivery-failed", detail: "The job could not be processed." },
    },
  });
}

async function callFor(run: LaneRun, signal: AbortSignal): Promise<AttemptResult> {
  const { services, room, envelope } = run;
  const { clock } = services;
  try {
    const outgoing = await fromEnvelope(envelope, room.claimCheck, services.settings);
    const answer = await callBackends(services, { ...outgoing, trip: run.trip }, signal);
    if (canRepeat(run) && isWorthRepeating(answer.status)) {
      answer.discard();
      return { retryAfterMs: nextDelayMs(run, retryAfterMs(answer.headers, clock.now())) };
    }
    const result = await keepAnswer(run, answer, signal);
    const state = answer.status < 400 ? "succeeded" : "failed";
    return { outcome: { state, endedAt: clock.now(), attempt: envelope.attempt, result } };
  } catch (error) {
    if (error instanceof RequeueError) throw error;
    if (signal.aborted || !(error instanceof GatewayError) || !isAboutBackends(error)) throw error;
    if (canRepeat(run) && error.code !== "no-route") {
      return { retryAfterMs: nextDelayMs(run, error.retryAfterMs) };
    }
    const failure = { code: error.code, detail: error.message };
    const endedAt = clock.now();
    return { outcome: { state: "failed", endedAt, attempt: envelope.attempt, error: failure } };
  }
}

const BACKEND_CODES = new Set([
  "no-route",
  "no-backend",
  "backends-throttled",
  "backend-failed",
  "backend-timeout",
]);
const isAboutBackends = (error: GatewayError): boolean => BACKEND_CODES.has(error.code);
const canRepeat = ({ envelope }: LaneRun): boolean => envelope.attempt < envelope.maxAttempts;

function nextDelayMs({ services, envelope }: LaneRun, askedMs: number | undefined): number {
  return retryDelayMs(envelope.attempt, askedMs, services.random);
}

async function keepAnswer(
  { services, jobs, envelope }: LaneRun,
  answer: BackendAnswer,
  signal: AbortSignal,
): Promise<JobResult> {
  // A name of its own for each delivery: only the one that commits is ever read.
  const blob = `${envelope.id}/${services.newId()}`;
  const sizeBytes = await takeAnswer(answer, signal, (body) =>
    jobs.results.writeStream(blob, body),
  );
  return { status: answer.status, headers: answer.headers, blob, sizeBytes };
}

async function commit(run: LaneRun, result: AttemptResult): Promise<void> {
  const { jobs, envelope } = run;
  const { id, attempt } = envelope;
  if ("retryAfterMs" in result) {
    await jobs.store.recordRetry(id, attempt, result.retryAfterMs);
    const retryAt = run.services.clock.now() + result.retryAfterMs;
    await jobs.events.announce(id, { kind: "retrying", attempt, retryAt });
    return signalEngine(run, { attempt, isFinal: false, retryAfterMs: result.retryAfterMs });
  }
  const standing = await jobs.store.commitOutcome(id, result.outcome);
  const lost = result.outcome.result?.blob;
  if (lost !== undefined && standing.result?.blob !== lost) {
    // Another delivery committed first; its bytes are the job's, these are nobody's.
    await jobs.results.remove(lost).catch(() => {});
  }
  await jobs.events.announce(id, { kind: "ended", outcome: standing });
  return signalEngine(run, { attempt, isFinal: true });
}

async function signalEngine(
  { services, engine, envelope }: LaneRun,
  signal: JobSignal,
): Promise<void> {
  try {
    await engine.signal(envelope.id, signal);
  } catch (error) {
    services.emit(jobSignalFailed(envelope.id, error));
  }
}
