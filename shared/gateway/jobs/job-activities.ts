import { GatewayError } from "../../core/errors.ts";
import type { TraceFields } from "../../core/trace-context.ts";
import {
  type JobLook,
  type JobSignal,
  type JobSnapshot,
  type JobTurn,
  wordOf,
} from "../../jobs/index.ts";
import { jobEventsUntold } from "../../telemetry/index.ts";
import type { JobServices, Services } from "../services.ts";
import { accountJob } from "./account-job.ts";
import { endJob, retryJob } from "./job-transitions.ts";
import { placeAttempt } from "./place-attempt.ts";

/** Which turn of which job an activity is about. */
export interface AttemptRef extends JobTurn {
  readonly jobId: string;
  /** Where in a trace the job was asked for. */
  readonly trace?: TraceFields;
}

/** Puts an attempt into the lane of the job's class, and returns the epoch of its message. */
export async function enqueueAttempt(services: Services, ref: AttemptRef): Promise<number> {
  const { store, events } = required(services);
  const { jobId, attempt, trace } = ref;
  const snapshot = await store.read(jobId);
  // Of a job that has ended nobody needs to run anything.
  if (!snapshot || snapshot.outcome) return ref.epoch;
  const { turn: next, priority, job } = snapshot;
  const epoch = next.attempt === attempt ? next.epoch : ref.epoch;
  await placeAttempt(services, { job, turn: { attempt, epoch }, priority, trace });
  await events.announce(jobId, { kind: "queued" });
  return epoch;
}

/** A look at a job by its orchestrator. */
export interface LookRef extends AttemptRef {
  readonly look: JobLook;
}

/**
 * What there is to say of a turn to an orchestrator that may have missed it. An attempt that ran in
 * process, and whose instance has not said for a while that it lives, is given up here.
 */
export async function checkAttempt(services: Services, ref: LookRef): Promise<JobSignal | null> {
  const jobs = required(services);
  const { jobId, attempt, look } = ref;
  const snapshot = await jobs.store.read(jobId);
  if (!snapshot) return unmade(services, ref);
  if (look.isFirst && isWaiting(snapshot)) {
    // Whoever stored it may have died before they sent it; if not, this is a duplicate that is dropped.
    const { job, turn, priority } = snapshot;
    await placeAttempt(services, { job, turn, priority, trace: ref.trace });
  }
  // What a topic or a broker that was away has missed so far is told now, and not first at the end.
  if (jobs.events.concerns(snapshot.job)) await jobs.events.announce(jobId, { kind: "queued" });
  const word = wordOf(snapshot, ref);
  const { lease } = snapshot;
  if (word || lease?.attempt !== attempt || lease.until > services.clock.now()) return word ?? null;
  await retryJob({ services, jobs, jobId, attempt }, { retryAfterMs: 0, reason: "instance-lost" });
  return (await jobs.store.signalOf(jobId, attempt)) ?? null;
}

const isWaiting = ({ outcome, history }: JobSnapshot): boolean =>
  outcome === undefined && history.length === 0;

/**
 * There is no job: its maker is still at it, was killed, or took it back because the answer came in time
 * after all. Once nobody can be at it any more, it is given up.
 */
async function unmade(services: Services, { jobId, attempt, look }: LookRef): Promise<JobSignal> {
  const { store } = required(services);
  const isFinal = look.isLate && (await store.giveUp(jobId, services.clock.now()));
  return isFinal ? { attempt, isFinal } : { attempt, isFinal, isUnmade: true };
}

/** A look at how much of a job's log is told; `isLast` when nobody will look again. */
export interface SettleRef {
  readonly jobId: string;
  readonly isLast: boolean;
}

/** Tells what is left of an ended job's log, and sees to its entry in the records. True when nothing is. */
export async function settleEvents(services: Services, ref: SettleRef): Promise<boolean> {
  const jobs = required(services);
  const { jobId } = ref;
  await accountJob({ services, jobs, jobId });
  const isSettled = await jobs.events.settle(jobId);
  if (!isSettled && ref.isLast) services.emit(jobEventsUntold(jobId));
  return isSettled;
}

/** The end of a job's time to live, as its orchestrator knows it. */
export interface ExpiryRef extends AttemptRef {
  /** Absent for a batch, whose orchestrator knows it for sure. */
  readonly expiresAt?: number;
}

/**
 * Ends a job whose time to live is over, unless it has ended otherwise in the meantime. Returns the time
 * when it will be over for a job that was stored with a later one.
 */
export async function expireJob(services: Services, ref: ExpiryRef): Promise<number | null> {
  const jobs = required(services);
  const { clock } = services;
  const { jobId, attempt, expiresAt } = ref;
  const { job } = (await jobs.store.read(jobId)) ?? {};
  if (job && expiresAt !== undefined && job.expiresAt > expiresAt) return job.expiresAt;
  if (!job && (await jobs.store.giveUp(jobId, clock.now()))) return null;
  const error = { code: "ttl-expired", detail: "The job's time to live is over." };
  const outcome = { state: "expired", endedAt: clock.now(), attempt, error } as const;
  await endJob({ services, jobs, jobId }, outcome);
  return null;
}

function required({ jobs }: Services): JobServices {
  if (!jobs) throw new GatewayError("internal", "Jobs need storage.");
  return jobs;
}
