import type { RequestEnvelope } from "../../messaging/index.ts";
import { messageHandedBack, messagePutOff, requestRouted } from "../../telemetry/index.ts";
import type { RequeueError } from "../calls/requeue-error.ts";
import type { LaneRun } from "./lane-run.ts";
import { sendTraced } from "./send-traced.ts";

/** A request that may become a job, or has done so, is wanted for as long as the job would live. */
export const latestEnd = ({ expiresAt, promotion }: RequestEnvelope): number =>
  Math.max(expiresAt, promotion?.expiresAt ?? 0);

/** Sends a message again for when a backend may have room: the wait is the broker's, and this worker is free. */
export async function comeAgain(run: LaneRun, queue: string, error: RequeueError): Promise<void> {
  const { services, envelope, trip } = run;
  const delayMs = Math.max(leastWaitMs(run), againInMs(run, error));
  const scheduledAt = services.clock.now() + delayMs;
  const isInTime = scheduledAt < latestEnd(envelope);
  services.emit(requestRouted(() => trip.receipt(isInTime ? "requeued" : "failed")));
  if (isInTime) await Promise.all([noteWait(run, scheduledAt), sendCopy(run, queue, scheduledAt)]);
}

/** For those who ask how the job stands; it waits all the same where that cannot be noted. */
async function noteWait({ jobs, envelope }: LaneRun, until: number): Promise<void> {
  const { kind, id, attempt } = envelope;
  if (kind === "job") await jobs.store.noteWait(id, { attempt, until }).catch(() => {});
}

/** Messages do not all come at the moment when a backend's rest ends: each has a time of its own. */
function againInMs(
  { services: { clock, pool }, envelope: { priority, expiresAt } }: LaneRun,
  { delayMs, atMostMs, restingBackends }: RequeueError,
): number {
  const nowMs = clock.now();
  const turns = pool.lines(restingBackends).map((line) => line.book(priority) - nowMs);
  if (turns.length === 0) return delayMs;
  const againMs = Math.min(atMostMs, ...turns);
  return nowMs + againMs < expiresAt ? againMs : delayMs;
}

const FIRST_LEAST_MS = 50;
const LEAST_GROWTH = 1.25;
const MAX_LEAST_MS = 10_000;

/**
 * What lives for a day may be told to come again at once for a day: the more calls it has made, the
 * longer it waits at least, but never for more than half of what is left.
 */
function leastWaitMs({ services: { clock }, envelope, trip }: LaneRun): number {
  if (!trip.facts.isPatient) return 0;
  const growingMs = FIRST_LEAST_MS * LEAST_GROWTH ** trip.attemptCount;
  const leftMs = latestEnd(envelope) - clock.now();
  return Math.round(Math.min(growingMs, MAX_LEAST_MS, leftMs / 2));
}

/** Puts a message back for whoever has a slot; one that is given back unsettled would lose a delivery. */
export async function handBack(run: LaneRun, queue: string): Promise<void> {
  const { services, envelope } = run;
  services.emit(messageHandedBack(envelope.id, queue));
  await sendCopy(run, queue);
}

// Jobs wait for storage that is away for hours as well, and those that come again cost little by then.
const FIRST_PUT_OFF_MS = 5000;
const MAX_PUT_OFF_MS = 300_000;

/**
 * Sends what was promised again for later, while storage is away: given back, the message would use its
 * deliveries up within half a minute, and what was answered 202 would be lost. False when it cannot be sent.
 */
export async function putOff(run: LaneRun, queue: string): Promise<boolean> {
  const { services, envelope } = run;
  const { putOffs = 0, id } = envelope;
  const ceilingMs = Math.min(MAX_PUT_OFF_MS, FIRST_PUT_OFF_MS * 2 ** putOffs);
  const delayMs = Math.round((ceilingMs / 2) * (1 + services.random()));
  const again = { ...run, envelope: { ...envelope, putOffs: putOffs + 1 } };
  try {
    await sendCopy(again, queue, services.clock.now() + delayMs);
  } catch {
    return false;
  }
  services.emit(messagePutOff(id, delayMs));
  return true;
}

/** The copy is a new message, with an id of its own, or the lane would drop it as a duplicate. */
async function sendCopy(
  { services, room, envelope, trip }: LaneRun,
  queue: string,
  scheduledAt?: number,
): Promise<void> {
  const nowMs = services.clock.now();
  await sendTraced(services, room.bus, {
    queue,
    message: {
      messageId: `again-${services.newId()}`,
      body: { ...envelope, trip: trip.memory(nowMs) },
      ...(scheduledAt !== undefined && { scheduledAt }),
      timeToLiveMs: latestEnd(envelope) - (scheduledAt ?? nowMs),
    },
    requestId: envelope.id,
    parent: trip.facts.trace,
  });
}
