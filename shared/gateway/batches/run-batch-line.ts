import type { BackendAnswer } from "../../backends/index.ts";
import { collectBytes } from "../../core/bytes.ts";
import { contentCodings } from "../../core/content-codings.ts";
import { GatewayError } from "../../core/errors.ts";
import { retryAfterMs } from "../../core/retry-after.ts";
import {
  isLineOk,
  isWorthRepeating,
  type JobUsage,
  type LineEnd,
  lineOutput,
  retryDelayMs,
} from "../../jobs/index.ts";
import type { RequestEnvelope } from "../../messaging/index.ts";
import { requestEnded } from "../../telemetry/index.ts";
import type { AnswerSlot } from "../calls/answer-watch.ts";
import { callBackends, type OutgoingRequest, type RoutedAnswer } from "../calls/call-backends.ts";
import { decodedText } from "../calls/decoded-text.ts";
import { RequeueError } from "../calls/requeue-error.ts";
import { takeAnswer } from "../calls/take-answer.ts";
import { JobEndedError } from "../end-reasons.ts";
import { fromEnvelope } from "../entry/request-envelope.ts";
import { usageFacts } from "../jobs/account-job.ts";
import { askedFacts } from "../jobs/asked-facts.ts";
import { isBackendError } from "../jobs/job-attempt.ts";
import { watchJob } from "../jobs/watch-job.ts";
import { laneFor } from "../lanes/lane-for.ts";
import type { LaneRun } from "../lanes/lane-run.ts";
import { sendTraced } from "../lanes/send-traced.ts";
import { closeRequestBody } from "../read-request-body.ts";
import { KeptUsage, toJobUsage } from "../results/kept-usage.ts";
import { giveBack, settleClaim } from "../usage/within-limits.ts";
import type { LinePlace } from "./batch-rows.ts";
import { claimLine } from "./claim-line.ts";

// Answers of models are far smaller; what is larger has no place in a file of ten thousand lines.
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
// A line that waits for its caller's limits looks again at least so often: they may have been raised.
const MAX_LIMIT_WAIT_MS = 10 * 60_000;

/** What came of a line, and for the records who answered and what it used. */
interface DoneLine {
  readonly end: LineEnd;
  readonly usage?: JobUsage;
  readonly backend?: string | undefined;
}

/** Another message for the line, of the attempt that is next. */
interface Repetition {
  readonly attempt: number;
  readonly scheduledAt: number;
}

type LineResult = DoneLine | { readonly again: Repetition };

/**
 * Runs one line of a batch. Its end is a row that is inserted once, so that whatever is delivered twice
 * is one line of the file.
 */
export async function runBatchLine(lane: LaneRun, signal: AbortSignal): Promise<void> {
  const { services, jobs, room, envelope } = lane;
  const place = placeOf(envelope);
  const startedAt = services.clock.now();
  if ((await jobs.batches.isDone(place)) || (await jobs.store.hasEnded(place.jobId))) {
    return discardBody(lane);
  }
  using watch = watchJob({ services, jobs, jobId: place.jobId }, signal);
  try {
    const outgoing = await fromEnvelope(envelope, room.claimCheck, services.settings);
    const result = await claimedResultOf(lane, outgoing, watch.signal).finally(() =>
      closeRequestBody(outgoing),
    );
    if ("again" in result) return await comeAgain(lane, result.again);
    await commitLine(lane, result, startedAt);
    await discardBody(lane);
  } catch (error) {
    if (!(watch.signal.reason instanceof JobEndedError)) throw error;
    await discardBody(lane);
  }
}

/** Ends a line whose message cannot be processed. */
export function abandonBatchLine(lane: LaneRun): Promise<void> {
  const error = { code: "delivery-failed", message: "The request could not be processed." };
  return commitLine(lane, { end: { error } }, lane.services.clock.now());
}

function placeOf({ batch }: RequestEnvelope): LinePlace {
  if (!batch) throw new GatewayError("internal", "A line belongs to a batch.");
  return batch;
}

/** A line that is done, or not wanted any more, needs its body no longer. */
async function discardBody({ room, envelope }: LaneRun): Promise<void> {
  await room.claimCheck.discard(envelope.body).catch(() => {});
}

async function commitLine(lane: LaneRun, done: DoneLine, startedAt: number): Promise<void> {
  const { services, jobs, envelope } = lane;
  const place = placeOf(envelope);
  const { end, usage } = done;
  const name = { requestId: envelope.id, customId: envelope.batch?.customId ?? "" };
  const output = lineOutput(name, end);
  const line = { line: place.line, isOk: isLineOk(end), output, ...(usage ? { usage } : {}) };
  // Once, as the row is: of a line that was delivered twice there is one entry in the records.
  if (!(await jobs.batches.insert(place, line))) return;
  const endedAt = services.clock.now();
  services.emit(requestEnded(envelope.id, () => factsOf(lane, done, { startedAt, endedAt })));
}

function factsOf(
  { envelope, trip }: LaneRun,
  { end, usage, backend }: DoneLine,
  { startedAt, endedAt }: { readonly startedAt: number; readonly endedAt: number },
): object {
  const { userId, groupId, priority, receivedAt } = envelope;
  return {
    kind: "line",
    ...askedFacts(envelope),
    user: userId,
    group: groupId,
    priority,
    isAsync: true,
    status: "status" in end ? end.status : undefined,
    code: "error" in end ? end.error.code : undefined,
    attempts: trip.attemptCount,
    backend,
    waitMs: Math.max(0, startedAt - receivedAt),
    processMs: Math.max(0, endedAt - startedAt),
    totalMs: Math.max(0, endedAt - receivedAt),
    startedAt: receivedAt,
    isWhole: "status" in end,
    ...usageFacts(usage),
  };
}

/** Calls for a line within its caller's limits: what it really used takes the place of its claim. */
async function claimedResultOf(
  lane: LaneRun,
  outgoing: OutgoingRequest,
  signal: AbortSignal,
): Promise<LineResult> {
  const { clock } = lane.services;
  const claim = await claimLine(lane, outgoing);
  if ("end" in claim) return claim;
  if ("againAt" in claim) {
    const latest = clock.now() + MAX_LIMIT_WAIT_MS;
    const { attempt } = lane.envelope;
    return { again: { attempt, scheduledAt: Math.min(claim.againAt, latest) } };
  }
  const { reservation } = claim;
  const usage: AnswerSlot = { current: undefined };
  try {
    const result = await resultOf(lane, { ...outgoing, usage }, signal);
    if (reservation && "end" in result && "status" in result.end) {
      const tokens = result.usage?.tokens?.totalTokens;
      settleClaim(reservation, result.end, { tokens, nowMs: clock.now() });
    }
    return result;
  } finally {
    // Settled claims know that they are.
    if (reservation) giveBack(reservation, usage, clock.now());
  }
}

async function resultOf(
  { services, envelope, trip }: LaneRun,
  outgoing: OutgoingRequest,
  signal: AbortSignal,
): Promise<LineResult> {
  const { attempt, maxAttempts } = envelope;
  const canRepeat = attempt < maxAttempts;
  const later = (askedMs: number | undefined): LineResult => {
    const scheduledAt = services.clock.now() + retryDelayMs(attempt, askedMs, services.random);
    return { again: { attempt: attempt + 1, scheduledAt } };
  };
  try {
    const answer = await callBackends(services, { ...outgoing, trip }, signal);
    const { status, headers } = answer;
    if (canRepeat && isWorthRepeating(status)) {
      answer.discard();
      return later(retryAfterMs(headers, services.clock.now()));
    }
    return await readAnswer(answer, signal);
  } catch (error) {
    // Nobody failed: the same attempt waits for its backends.
    if (error instanceof RequeueError) throw error;
    if (signal.aborted || !isBackendError(error)) throw error;
    if (canRepeat && error.code !== "no-route") return later(error.retryAfterMs);
    return { end: { error: { code: error.code, message: error.message } } };
  }
}

async function readAnswer(answer: RoutedAnswer, signal: AbortSignal): Promise<DoneLine> {
  const { status, headers, backend } = answer;
  const used = new KeptUsage(answer);
  const bytes = await takeBytes({ ...answer, body: used.of(answer.body) }, signal);
  const text = decodedText(bytes, contentCodings(headers), MAX_ANSWER_BYTES);
  const usage = toJobUsage(await used.end());
  // A refusal that speaks of no tokens has used none.
  const isUsed = status < 400 || usage.tokens !== undefined;
  return { end: { status, text }, backend, ...(isUsed ? { usage } : {}) };
}

const takeBytes = (answer: BackendAnswer, signal: AbortSignal): Promise<Uint8Array> =>
  takeAnswer(answer, signal, (body) => collectBytes(body, MAX_ANSWER_BYTES));

/** The next message is one for later: no worker waits for it. */
async function comeAgain(
  { services, room, envelope, trip }: LaneRun,
  { attempt, scheduledAt }: Repetition,
): Promise<void> {
  const { trip: _, ...message } = envelope;
  const timeToLiveMs = envelope.expiresAt - scheduledAt;
  if (timeToLiveMs <= 0) return;
  const isNext = attempt > envelope.attempt;
  const lane = laneFor(services.lanes, envelope.priority);
  await sendTraced(services, room.bus, {
    queue: envelope.isOver ? lane.overQueue : lane.queue,
    message: {
      // One that waited for its limits is the same attempt, whose own message the lane has seen.
      messageId: isNext ? lineMessageId(envelope.id, attempt) : `again-${services.newId()}`,
      body: isNext ? { ...message, attempt } : envelope,
      scheduledAt,
      timeToLiveMs,
    },
    requestId: envelope.id,
    parent: trip.facts.trace,
  });
}

/** Each attempt of a line has one message, however often it is sent. */
export const lineMessageId = (requestId: string, attempt: number): string =>
  `line-${requestId}-${attempt}`;
