import type { Lane } from "../../config/index.ts";
import { elapsedMs } from "../../core/clock.ts";
import { createDeadline } from "../../core/deadline.ts";
import { GatewayError } from "../../core/errors.ts";
import { fromTraceFields, type TraceContext } from "../../core/trace-context.ts";
import type { JobEngine } from "../../jobs/index.ts";
import { type RequestEnvelope, readRequestEnvelope } from "../../messaging/index.ts";
import { HandedBack, type Slot } from "../../scheduling/index.ts";
import { isStorageAway } from "../../storage/index.ts";
import { messageEnded, messageFailed, spanFacts } from "../../telemetry/index.ts";
import { abandonBatchLine, runBatchLine } from "../batches/run-batch-line.ts";
import { tripOf } from "../calls/call-backends.ts";
import { RequeueError } from "../calls/requeue-error.ts";
import { isTtlExpired, ttlExpired } from "../end-reasons.ts";
import { inForce } from "../in-force.ts";
import { abandonJob, runJobAttempt } from "../jobs/run-job-attempt.ts";
import { comeAgain, handBack, latestEnd, putOff } from "../lanes/come-again.ts";
import { laneFor } from "../lanes/lane-for.ts";
import type { LaneRun } from "../lanes/lane-run.ts";
import { mayBeJob } from "../promotion/promoted-turn.ts";
import type { JobServices, Services, WaitingRoom } from "../services.ts";
import { abandonRequest, dropRequest, isUnwanted, runQueuedRequest } from "./run-queued-request.ts";
import { throughGate } from "./through-gate.ts";
import { watchCaller } from "./watch-caller.ts";

/** One delivery of one message of a lane. */
export interface LaneDelivery {
  readonly lane: Lane;
  /** The one of the lane's queues from which the message came. */
  readonly queue: string;
  readonly message: unknown;
  readonly messageId: string;
  /** 1 for the first delivery. */
  readonly deliveryCount: number;
  /** Of the message's application, which say where in a trace it was sent. */
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Runs a message of a lane. Returning completes it; throwing gives it back, and after the lane's last
 * delivery to the dead letters: then whoever waits for it is told first.
 */
export async function runLaneMessage(
  services: Services,
  delivery: LaneDelivery,
  engine: JobEngine,
): Promise<void> {
  const { tracing, clock, emit } = services;
  const trace = tracing?.beginWithin(fromTraceFields(delivery.properties));
  if (!trace) return runDelivery(services, delivery, { engine });
  const { queue, messageId, deliveryCount } = delivery;
  const startedAt = clock.now();
  let isDone = false;
  try {
    await runDelivery(services, delivery, { engine, trace });
    isDone = true;
  } finally {
    const tookMs = elapsedMs(clock, startedAt);
    const facts = { queue, isDone, deliveryCount, startedAt, tookMs };
    emit(messageEnded(messageId, () => ({ ...facts, ...spanFacts(trace) })));
  }
}

async function runDelivery(
  services: Services,
  delivery: LaneDelivery,
  { engine, trace }: { readonly engine: JobEngine; readonly trace?: TraceContext },
): Promise<void> {
  const { lane, queue, message, messageId, deliveryCount } = delivery;
  const isLastDelivery = deliveryCount >= lane.maxDeliveryCount;
  let run: LaneRun | undefined;
  try {
    const envelope = readRequestEnvelope(message);
    const isPatient = envelope.kind !== "request";
    const trip = tripOf(services, { ...envelope, trace, isPatient }, envelope.trip);
    const current = { services, ...required(services), engine, envelope, deliveryCount, trip };
    run = current;
    await counted(current, lane, () => runInTurn(current, delivery));
  } catch (error) {
    services.emit(messageFailed({ lane: lane.name, messageId, isLastDelivery }, error));
    if (run && isStorageAway(error) && isPromised(run) && (await putOff(asItCame(run), queue)))
      return;
    if (run && isLastDelivery) await abandon(run);
    throw error;
  }
}

/** Whether somebody may have been answered 202 for it. */
const isPromised = (run: LaneRun): boolean => run.envelope.kind !== "request" || mayBeJob(run);

/** What a delivery tried and could not keep says nothing of the backends. */
function asItCame(run: LaneRun): LaneRun {
  const { services, envelope } = run;
  return { ...run, trip: tripOf(services, envelope, envelope.trip) };
}

function required({ waitingRoom, jobs }: Services): { room: WaitingRoom; jobs: JobServices } {
  if (waitingRoom && jobs) return { room: waitingRoom, jobs };
  throw new GatewayError("internal", "Lanes need Service Bus and storage.");
}

/** Counts a job among its caller's demand; a request counts where its connection is held. */
async function counted(
  { services: { fairShare }, envelope }: LaneRun,
  { priority }: Lane,
  work: () => Promise<void>,
): Promise<void> {
  const { book, ledger } = fairShare;
  ledger?.start();
  const hold = envelope.kind !== "request" ? book.hold(priority, envelope) : undefined;
  try {
    await work();
  } finally {
    hold?.release();
  }
}

/** Waits for the lane's gate, then for one of the instance's slots, and runs what is still wanted. */
async function runInTurn(run: LaneRun, { lane, queue }: LaneDelivery): Promise<void> {
  const { services, envelope } = run;
  const { clock } = services;
  const { priority, userId, groupId, receivedAt } = envelope;
  const expiresAt = latestEnd(envelope);
  if (expiresAt <= clock.now()) return;
  if (isUnwanted(run)) return dropRequest(run);
  const wait = services.fairShare.relief.enter(queue);
  using caller = watchCaller(run);
  const parent = AbortSignal.any([wait.signal, caller.signal]);
  using deadline = createDeadline(clock, expiresAt, { reason: ttlExpired, parent });
  const { signal } = deadline;
  const isOver = queue === lane.overQueue;
  const demand = { priority, userId, groupId, expiresAt, signal, isLimited: false, isOver };
  try {
    await throughGate(services, {
      lane,
      place: receivedAt,
      demand,
      run(slot, wanted) {
        // It may have been handed back in the moment between its turn and this.
        signal.throwIfAborted();
        wait.leave();
        return work(run, slot, wanted);
      },
    });
  } catch (error) {
    if (error instanceof HandedBack) return handBack(run, queue);
    if (caller.signal.aborted) return dropRequest(run);
    // Whoever waited was told at the deadline, which the scheduler may notice before its own timer has fired.
    if (signal.aborted || isTtlExpired(error)) return;
    if (!(error instanceof RequeueError)) throw error;
    await comeAgain(run, queue, error);
  } finally {
    wait.leave();
  }
}

async function work(run: LaneRun, slot: Slot, signal: AbortSignal): Promise<void> {
  const services = await inForce(run.services);
  const current = { ...run, services };
  const { clock, fairShare, lanes } = services;
  const startedAt = clock.now();
  await RUNNERS[run.envelope.kind](current, signal);
  slot.release();
  fairShare.book.ended(laneFor(lanes, run.envelope.priority).priority, elapsedMs(clock, startedAt));
}

/** Tells whoever waits for a message of a lane that nobody will process it any more. */
export async function abandonMessage(
  services: Services,
  envelope: RequestEnvelope,
  engine: JobEngine,
): Promise<void> {
  const trip = tripOf(services, envelope, envelope.trip);
  await abandon({ services, ...required(services), engine, envelope, deliveryCount: 0, trip });
}

function abandon(run: LaneRun): Promise<void> {
  return ABANDON[run.envelope.kind](run);
}

const RUNNERS = { request: runQueuedRequest, job: runJobAttempt, line: runBatchLine };
const ABANDON = { request: abandonRequest, job: abandonJob, line: abandonBatchLine };
