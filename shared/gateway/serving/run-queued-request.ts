import { ERRORS, GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/headers.ts";
import { problemResponse } from "../../core/problem.ts";
import type { MessageBody, ReplyEnvelope } from "../../messaging/index.ts";
import type { AnswerSlot } from "../calls/answer-watch.ts";
import { callBackends, type OutgoingRequest } from "../calls/call-backends.ts";
import { RequeueError } from "../calls/requeue-error.ts";
import { takeAnswer } from "../calls/take-answer.ts";
import { isCallersEnd, JobEndedError, JobMovedError } from "../end-reasons.ts";
import { fromEnvelope } from "../entry/request-envelope.ts";
import {
  type AttemptResult,
  commitAttempt,
  resultOfAnswer,
  resultOfError,
  signalEngine,
} from "../jobs/job-attempt.ts";
import { abandonJob, runJobAttempt } from "../jobs/run-job-attempt.ts";
import type { LaneRun } from "../lanes/lane-run.ts";
import { asJobRun, isJobByNow, mayBeJob, PromotedTurn } from "../promotion/promoted-turn.ts";
import { closeRequestBody } from "../read-request-body.ts";
import { receiptOfFailure } from "./explain-error.ts";

// What comes too late for its caller still says that their request was run.
const LATE_REPLY_LIVES_MS = 10_000;

/**
 * Calls the backends for a caller who waits elsewhere, and sends the whole answer to the session that
 * holds the connection. A body that breaks off throws: the next delivery makes a fresh attempt. A request
 * that has become a job meanwhile is run as the job's first attempt.
 */
export async function runQueuedRequest(run: LaneRun, signal: AbortSignal): Promise<void> {
  const { services, envelope } = run;
  // Asked first: its holder makes a job of a request before it stops waiting for the reply.
  const isWanted = !hasLeft(run);
  if (await isJobByNow(run)) return runJobAttempt(asJobRun(run), signal);
  if (isWanted && envelope.expiresAt > services.clock.now()) {
    using turn = new PromotedTurn(run, signal);
    if ((await answerOrCommit(run, turn)) === "committed") return;
  }
  await dropRequest(run);
}

/** Whether nobody waits for the answer, as far as this instance has heard, nor may do so as for a job's. */
export const isUnwanted = (run: LaneRun): boolean =>
  run.envelope.kind === "request" && !mayBeJob(run) && hasLeft(run);

/** Leaves nothing of a request that is answered, or whose answer nobody waits for. */
export async function dropRequest({ services, room, envelope }: LaneRun): Promise<void> {
  services.fairShare.left.forget(envelope.id);
  await room.claimCheck.discard(envelope.body).catch(() => {});
}

function hasLeft({ services, room, envelope: { id, replySession } }: LaneRun): boolean {
  if (replySession === undefined || room.replies.hasLeft(replySession, id)) return true;
  return services.fairShare.left.has(id);
}

/** Tells the caller that their request could not be processed. */
export async function abandonRequest(run: LaneRun): Promise<void> {
  if (await isJobByNow(run)) return abandonJob(asJobRun(run));
  if (run.envelope.replySession === undefined) return;
  const error = new GatewayError("delivery-failed", "The request could not be processed.");
  await sendReply(run, problemReply(run, error));
  if (!(await isAnswered(run))) await abandonJob(asJobRun(run));
}

/**
 * Answers the caller, or commits the answer for the job that the request has become. The note that
 * follows the reply races with the promotion: where that was first, the reply went to nobody.
 */
async function answerOrCommit(run: LaneRun, turn: PromotedTurn): Promise<"answered" | "committed"> {
  try {
    const message = await answer(run, turn);
    if (message) {
      await sendReply(run, message);
      if (await isAnswered(run)) return "answered";
      await turn.become();
      await commitReply(run, turn, message);
    }
    return "committed";
  } catch (error) {
    // The engine was told by whoever moved it, and waits for its end.
    if (turn.signal.reason instanceof JobMovedError) return "committed";
    if (!(turn.signal.reason instanceof JobEndedError)) throw error;
    await signalEngine(turn.attempt, { attempt: 1, isFinal: true });
    return "committed";
  }
}

/** Notes that the caller was answered; false when the request was a job by then. */
async function isAnswered(run: LaneRun): Promise<boolean> {
  if (!mayBeJob(run)) return true;
  const { services, jobs, envelope } = run;
  return jobs.store.noteAnswered(envelope.id, services.clock.now());
}

/** The reply for the caller; undefined when the answer was committed for a job. */
async function answer(run: LaneRun, turn: PromotedTurn): Promise<ReplyEnvelope | undefined> {
  const { services, room, envelope, trip } = run;
  const { signal } = turn;
  const usage: AnswerSlot = { current: undefined };
  let outgoing: OutgoingRequest | undefined;
  try {
    outgoing = await fromEnvelope(envelope, room.claimCheck, services.settings);
    const backendAnswer = await callBackends(services, { ...outgoing, trip, usage }, signal);
    turn.called = backendAnswer.called;
    if (await turn.isJob()) {
      await commitTurn(turn, await resultOfAnswer(turn.attempt, backendAnswer, signal));
      return undefined;
    }
    // Each delivery has a name of its own: a late duplicate must not overwrite what is being read.
    const name = `replies/${envelope.id}/${services.newId()}`;
    const body = await takeAnswer(backendAnswer, signal, (bytes) =>
      room.claimCheck.packStream(name, bytes),
    );
    return reply(run, { ...backendAnswer, body, trailers: backendAnswer.trailers?.() });
  } catch (error) {
    if (isLateWord(run, usage, signal)) return problemReply(run, signal.reason);
    if (error instanceof RequeueError || signal.aborted) throw error;
    const result = (await turn.isJob()) ? resultOfError(turn.attempt, error) : undefined;
    if (result) {
      await commitTurn(turn, result);
      return undefined;
    }
    const isAnAnswer = error instanceof GatewayError && ERRORS[error.code].expose;
    if (isAnAnswer) return problemReply(run, told(run, error));
    throw error;
  } finally {
    if (outgoing) closeRequestBody(outgoing);
  }
}

/** Whether its caller, who has been told at the deadline, is to be told that a backend had worked till then. */
const isLateWord = (
  { envelope }: LaneRun,
  { isCutOff = false }: AnswerSlot,
  { reason }: AbortSignal,
): boolean => isCutOff && envelope.promotion === undefined && isCallersEnd(reason);

async function commitTurn(turn: PromotedTurn, result: AttemptResult): Promise<void> {
  // The end must not overtake the beginning: nothing follows it.
  await turn.told;
  await commitAttempt(turn.attempt, result);
}

/** Keeps a reply that nobody waits for any more as the result of the job that the request has become. */
async function commitReply(
  { room }: LaneRun,
  turn: PromotedTurn,
  { status, headers, body, backend }: ReplyEnvelope,
): Promise<void> {
  const open = {
    status,
    headers,
    body: room.claimCheck.open(body),
    called: turn.called,
    backend,
    discard: () => {},
  };
  await commitTurn(turn, await resultOfAnswer(turn.attempt, open, turn.signal));
  await room.claimCheck.discard(body).catch(() => {});
}

/** The error with the receipt, where its caller may have one; the times are for whoever holds the caller. */
function told({ trip, envelope }: LaneRun, error: GatewayError): GatewayError {
  return error.withHeaders(receiptOfFailure({ trip, showsReceipt: envelope.showsReceipt }));
}

interface Answer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: MessageBody | undefined;
  readonly trailers?: HeaderList | undefined;
  readonly backend?: string | undefined;
}

function reply(
  { envelope, trip }: LaneRun,
  { status, headers, body, trailers = [], backend }: Answer,
): ReplyEnvelope {
  return {
    requestId: envelope.id,
    status,
    headers: toFields(headers),
    ...(body === undefined ? {} : { body }),
    ...(trailers.length === 0 ? {} : { trailers: toFields(trailers) }),
    attempts: trip.attemptCount,
    processMs: trip.processMs,
    ...(backend === undefined ? {} : { backend }),
  };
}

const toFields = (headers: HeaderList): [name: string, value: string][] =>
  headers.map(([name, value]) => [name, value]);

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
    timeToLiveMs: Math.max(envelope.expiresAt - services.clock.now(), LATE_REPLY_LIVES_MS),
  });
}
