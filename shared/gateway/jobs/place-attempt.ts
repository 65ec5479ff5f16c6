import { setImmediate as nextTurn } from "node:timers/promises";
import { GatewayError } from "../../core/errors.ts";
import { fromTraceFields, type TraceFields } from "../../core/trace-context.ts";
import { FIRST_TURN, type JobRecord, type JobTurn } from "../../jobs/index.ts";
import { readRequestEnvelope } from "../../messaging/index.ts";
import { jobPlacementFailed } from "../../telemetry/index.ts";
import { laneFor } from "../lanes/lane-for.ts";
import { sendTraced } from "../lanes/send-traced.ts";
import type { Services } from "../services.ts";

/** A turn of a job that is to wait in a lane. */
export interface Placement {
  readonly job: JobRecord;
  readonly turn: JobTurn;
  /** The job's class now. */
  readonly priority: JobRecord["priority"];
  /** Where in a trace the job was asked for. */
  readonly trace: TraceFields | undefined;
}

/** Each turn of a job has one message, however often it is sent. No two turns of any jobs share an id. */
export const turnMessageId = (jobId: string, { attempt, epoch }: JobTurn): string =>
  epoch === 0 ? `job-${jobId}-${attempt}` : `moved-${epoch}-${attempt}-${jobId}`;

/**
 * Puts a turn into the lane of the job's class. Idempotent: the message id is the turn's, and the lane
 * drops duplicates.
 */
export async function placeAttempt(services: Services, placement: Placement): Promise<void> {
  const { waitingRoom, clock, lanes } = services;
  const { job, turn, priority, trace } = placement;
  if (!waitingRoom) throw new GatewayError("internal", "Jobs need the waiting room.");
  const { attempt, epoch } = turn;
  const envelope = { ...readRequestEnvelope(job.request), priority, attempt, epoch };
  const lane = laneFor(lanes, priority);
  await sendTraced(services, waitingRoom.bus, {
    queue: envelope.isOver ? lane.overQueue : lane.queue,
    message: {
      messageId: turnMessageId(job.id, turn),
      body: envelope,
      timeToLiveMs: envelope.expiresAt - clock.now(),
    },
    requestId: job.id,
    parent: fromTraceFields(trace),
  });
}

// What more there is to send is sent by the jobs' orchestrators, at their first look.
const MAX_PLACING = 1000;

/**
 * Sends a job that was just stored on its way, behind its 202: its first message, and word of it to
 * whom it concerns. Nothing of it is promised here: what is not done when this process is killed, or
 * cannot be done now, the job's orchestrator does at its first look.
 */
export function sendOff(services: Services, job: JobRecord, trace: TraceFields | undefined): void {
  const { jobs, emit } = services;
  if (!jobs || jobs.detached.size >= MAX_PLACING) return;
  const { priority } = job;
  // The answer in hand goes out first.
  const placing = nextTurn()
    .then(() => placeAttempt(services, { job, turn: FIRST_TURN, priority, trace }))
    .then(
      () => jobs.events.announceNew(job),
      (error: unknown) => emit(jobPlacementFailed(job.id, error)),
    );
  // Told to end, a process waits for what it is sending: there is nothing to hand over.
  jobs.detached.add(placing, { abort() {} });
}
