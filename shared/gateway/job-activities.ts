import { GatewayError } from "../core/errors.ts";
import type { JobSignal } from "../jobs/index.ts";
import { readRequestEnvelope } from "../messaging/index.ts";
import { jobEventsUntold } from "../telemetry/index.ts";
import { laneFor, type Services } from "./services.ts";

/** Which attempt of which job an activity is about. */
export interface AttemptRef {
  readonly jobId: string;
  readonly attempt: number;
}

/**
 * Puts an attempt into its lane. Idempotent: the message id is the attempt's, and the lane drops
 * duplicates; a job that has its outcome is left alone.
 */
export async function enqueueAttempt(services: Services, ref: AttemptRef): Promise<void> {
  const { jobs, waitingRoom, clock, lanes } = services;
  if (!jobs || !waitingRoom) throw new GatewayError("internal", "Jobs need the waiting room.");
  const snapshot = await jobs.store.read(ref.jobId);
  if (!snapshot || snapshot.outcome) return;
  const envelope = { ...readRequestEnvelope(snapshot.job.request), attempt: ref.attempt };
  await waitingRoom.bus.send(laneFor(lanes, envelope.priority).queue, {
    messageId: `job-${ref.jobId}-${ref.attempt}`,
    body: envelope,
    timeToLiveMs: envelope.expiresAt - clock.now(),
  });
  await jobs.events.announce(ref.jobId, { kind: "queued" });
}

/** What the attempt's worker has said, for an orchestrator that may have missed it. */
export async function checkAttempt(
  { jobs }: Services,
  { jobId, attempt }: AttemptRef,
): Promise<JobSignal | null> {
  if (!jobs) throw new GatewayError("internal", "Jobs need storage.");
  return (await jobs.store.signalOf(jobId, attempt)) ?? null;
}

/** A look at how much of a job's log is told; `isLast` when nobody will look again. */
export interface SettleRef {
  readonly jobId: string;
  readonly isLast: boolean;
}

/** Tells what is left of an ended job's log. True when nothing is. */
export async function settleEvents({ jobs, emit }: Services, ref: SettleRef): Promise<boolean> {
  if (!jobs) throw new GatewayError("internal", "Jobs need storage.");
  const isSettled = await jobs.events.settle(ref.jobId);
  if (!isSettled && ref.isLast) emit(jobEventsUntold(ref.jobId));
  return isSettled;
}

/** Ends a job whose time to live is over, unless it has ended otherwise in the meantime. */
export async function expireJob({ jobs, clock }: Services, ref: AttemptRef): Promise<void> {
  if (!jobs) throw new GatewayError("internal", "Jobs need storage.");
  await jobs.store.commitOutcome(ref.jobId, {
    state: "expired",
    endedAt: clock.now(),
    attempt: ref.attempt,
    error: { code: "ttl-expired", detail: "The job's time to live is over." },
  });
}
