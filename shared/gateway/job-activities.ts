import { GatewayError } from "../core/errors.ts";
import { fromTraceFields, type TraceFields } from "../core/trace-context.ts";
import { type JobSignal, type JobTurn, wordOf } from "../jobs/index.ts";
import { readRequestEnvelope } from "../messaging/index.ts";
import { jobEventsUntold } from "../telemetry/index.ts";
import { accountJob } from "./account-job.ts";
import { endJob, retryJob } from "./job-transitions.ts";
import { sendTraced } from "./send-traced.ts";
import { type JobServices, laneFor, type Services } from "./services.ts";

/** Which turn of which job an activity is about. */
export interface AttemptRef extends JobTurn {
  readonly jobId: string;
  /** Where in a trace the job was asked for. */
  readonly trace?: TraceFields;
}

/**
 * Puts an attempt into the lane of the job's class, and returns the epoch of its message. Idempotent:
 * the message id is the turn's, and the lane drops duplicates; a job that has ended is left alone.
 */
export async function enqueueAttempt(services: Services, ref: AttemptRef): Promise<number> {
  const { waitingRoom, clock, lanes } = services;
  const { store, events } = required(services);
  const { jobId, attempt } = ref;
  if (!waitingRoom) throw new GatewayError("internal", "Jobs need the waiting room.");
  const snapshot = await store.read(jobId);
  if (!snapshot || snapshot.outcome) return ref.epoch;
  const { turn, priority, job } = snapshot;
  const epoch = turn.attempt === attempt ? turn.epoch : ref.epoch;
  const envelope = { ...readRequestEnvelope(job.request), priority, attempt, epoch };
  const lane = laneFor(lanes, priority);
  await sendTraced(services, waitingRoom.bus, {
    queue: envelope.isOver ? lane.overQueue : lane.queue,
    message: {
      messageId: `job-${jobId}-${attempt}${epoch === 0 ? "" : `-${epoch}`}`,
      body: envelope,
      timeToLiveMs: envelope.expiresAt - clock.now(),
    },
    requestId: jobId,
    parent: fromTraceFields(ref.trace),
  });
  await (attempt === 1 && epoch === 0
    ? events.announceNew(job)
    : events.announce(jobId, { kind: "queued" }));
  return epoch;
}

/**
 * What there is to say of a turn to an orchestrator that may have missed it. An attempt that ran in
 * process, and whose instance has not said for a while that it lives, is given up here.
 */
export async function checkAttempt(services: Services, ref: AttemptRef): Promise<JobSignal | null> {
  const jobs = required(services);
  const { jobId, attempt } = ref;
  const snapshot = await jobs.store.read(jobId);
  // Removed: the answer of a request that was about to become a job came in time after all.
  if (!snapshot) return { attempt, isFinal: true };
  // What a topic or a broker that was away has missed so far is told now, and not first at the end.
  await jobs.events.announce(jobId, { kind: "queued" });
  const word = wordOf(snapshot, ref);
  const { lease } = snapshot;
  if (word || lease?.attempt !== attempt || lease.until > services.clock.now()) return word ?? null;
  await retryJob({ services, jobs, jobId, attempt }, { retryAfterMs: 0, reason: "instance-lost" });
  return (await jobs.store.signalOf(jobId, attempt)) ?? null;
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

/** Ends a job whose time to live is over, unless it has ended otherwise in the meantime. */
export async function expireJob(services: Services, { jobId, attempt }: AttemptRef): Promise<void> {
  const jobs = required(services);
  await endJob(
    { services, jobs, jobId },
    {
      state: "expired",
      endedAt: services.clock.now(),
      attempt,
      error: { code: "ttl-expired", detail: "The job's time to live is over." },
    },
  );
}

function required({ jobs }: Services): JobServices {
  if (!jobs) throw new GatewayError("internal", "Jobs need storage.");
  return jobs;
}
