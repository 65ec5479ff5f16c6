import { ERRORS, GatewayError } from "../core/errors.ts";
import { problemResponse } from "../core/problem.ts";
import type { MessageBody, ReplyEnvelope } from "../messaging/index.ts";
import { callBackends } from "./call-backends.ts";
import { receiptOfFailure } from "./explain-error.ts";
import { fromEnvelope } from "./request-envelope.ts";
import { RequeueError } from "./requeue-error.ts";
import type { LaneRun } from "./run-lane-message.ts";
import { takeAnswer } from "./take-answer.ts";

/**
 * Calls the backends for a caller who waits elsewhere, and sends the whole answer to the session that
 * holds the connection. A body that breaks off throws: the next delivery makes a fresh attempt.
 */
export async function runQueuedRequest(run: LaneRun, signal: AbortSignal): Promise<void> {
  const { room, envelope } = run;
  const { id, replySession } = envelope;
  if (replySession !== undefined && !room.replies.hasLeft(replySession, id)) {
    await sendReply(run, await answer(run, signal));
  }
  await room.claimCheck.discard(envelope.body).catch(() => {});
}

/** Tells the caller that their request could not be processed. */
export async function abandonRequest(run: LaneRun): Promise<void> {
  if (run.envelope.replySession === undefined) return;
  const error = new GatewayError("delivery-failed", "The request could not be processed.");
  await sendReply(run, problemReply(run, error));
}

async function answer(run: LaneRun, signal: AbortSignal): Promise<ReplyEnvelope> {
  const { services, room, envelope, trip } = run;
  try {
    const outgoing = await fromEnvelope(envelope, room.claimCheck, services.settings);
    const backendAnswer = await callBackends(services, { ...outgoing, trip }, signal);
    // Each delivery has a name of its own: a late duplicate must not overwrite what is being read.
    const name = `replies/${envelope.id}/${services.newId()}`;
    const body = await takeAnswer(backendAnswer, signal, (bytes) =>
      room.claimCheck.packStream(name, bytes),
    );
    return reply(run, { ...backendAnswer, body });
  } catch (error) {
    if (error instanceof RequeueError) throw error;
    const isAnAnswer = error instanceof GatewayError && ERRORS[error.code].expose;
    if (isAnAnswer && !signal.aborted) return problemReply(run, told(run, error));
    throw error;
  }
}

/** The error with the receipt, where its caller may have one; the times are for whoever holds the caller. */
function told({ trip, envelope }: LaneRun, error: GatewayError): GatewayError {
  return error.withHeaders(receiptOfFailure({ trip, showsReceipt: envelope.showsReceipt }));
}

interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: MessageBody | undefined;
  readonly backend?: string | undefined;
}

function reply(
  { envelope, trip }: LaneRun,
  { status, headers, body, backend }: Answer,
): ReplyEnvelope {
  return {
    requestId: envelope.id,
    status,
    headers: headers.map(([name, value]) => [name, value]),
    ...(body === undefined ? {} : { body }),
    attempts: trip.attemptCount,
    processMs: trip.processMs,
    ...(backend === undefined ? {} : { backend }),
  };
}

function problemReply(run: LaneRun, error: GatewayError): ReplyEnvelope {
  const { status, headers, body } = problemResponse(error, run.envelope.id);
  const text = body instanceof Uint8Array ? Buffer.from(body).toString() : "";
  return reply(run, { status, headers, body: { text } });
}

async function sendReply({ services, room, envelope }: LaneRun, message: ReplyEnvelope) {
  await room.bus.send(room.replyQueue, {
    messageId: `reply-${services.newId()}`,
    sessionId: envelope.replySession ?? "",
    correlationId: `request-${envelope.id}`,
    body: message,
    timeToLiveMs: envelope.expiresAt - services.clock.now(),
  });
}
