import { collectBytes } from "../core/bytes.ts";
import { GatewayError } from "../core/errors.ts";
import { headerValue } from "../core/headers.ts";
import { retryAfterMs } from "../core/retry-after.ts";
import {
  isLineOk,
  isWorthRepeating,
  type LineEnd,
  lineOutput,
  retryDelayMs,
} from "../jobs/index.ts";
import type { RequestEnvelope } from "../messaging/index.ts";
import type { LinePlace } from "./batch-rows.ts";
import { callBackends } from "./call-backends.ts";
import { decodedText } from "./decoded-text.ts";
import { isBackendError } from "./job-attempt.ts";
import { fromEnvelope } from "./request-envelope.ts";
import type { LaneRun } from "./run-lane-message.ts";
import { laneFor } from "./services.ts";
import { takeAnswer } from "./take-answer.ts";
import { JobEndedError, watchJob } from "./watch-job.ts";

// Answers of models are far smaller; what is larger has no place in a file of ten thousand lines.
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

type LineResult = LineEnd | { readonly againMs: number };

/**
 * Runs one line of a batch. Its end is a row that is inserted once, so that whatever is delivered twice
 * is one line of the file.
 */
export async function runBatchLine(lane: LaneRun, signal: AbortSignal): Promise<void> {
  const { services, jobs, room, envelope } = lane;
  const place = placeOf(envelope);
  if (await jobs.batches.isDone(place)) return;
  if (await jobs.store.hasEnded(place.jobId)) return;
  using watch = watchJob({ services, jobs, jobId: place.jobId }, signal);
  try {
    const result = await resultOf(lane, watch.signal);
    if ("againMs" in result) return await comeAgain(lane, result.againMs);
    await commitLine(lane, result);
    await room.claimCheck.discard(envelope.body).catch(() => {});
  } catch (error) {
    if (!(watch.signal.reason instanceof JobEndedError)) throw error;
  }
}

/** Ends a line whose message cannot be processed. */
export function abandonBatchLine(lane: LaneRun): Promise<void> {
  const error = { code: "delivery-failed", message: "The request could not be processed." };
  return commitLine(lane, { error });
}

function placeOf({ batch }: RequestEnvelope): LinePlace {
  if (!batch) throw new GatewayError("internal", "A line belongs to a batch.");
  return batch;
}

async function commitLine({ jobs, envelope }: LaneRun, end: LineEnd): Promise<void> {
  const place = placeOf(envelope);
  const name = { requestId: envelope.id, customId: envelope.batch?.customId ?? "" };
  const output = lineOutput(name, end);
  await jobs.batches.insert(place, { line: place.line, isOk: isLineOk(end), output });
}

async function resultOf(lane: LaneRun, signal: AbortSignal): Promise<LineResult> {
  const { services, room, envelope, trip } = lane;
  const { attempt, maxAttempts } = envelope;
  const canRepeat = attempt < maxAttempts;
  const againMs = (askedMs: number | undefined) => ({
    againMs: retryDelayMs(attempt, askedMs, services.random),
  });
  try {
    const outgoing = await fromEnvelope(envelope, room.claimCheck, services.settings);
    const answer = await callBackends(services, { ...outgoing, trip }, signal);
    const { status, headers } = answer;
    if (canRepeat && isWorthRepeating(status)) {
      answer.discard();
      return againMs(retryAfterMs(headers, services.clock.now()));
    }
    const bytes = await takeAnswer(answer, signal, (body) => collectBytes(body, MAX_ANSWER_BYTES));
    const encoding = headerValue(headers, "content-encoding");
    return { status, text: decodedText(bytes, encoding, MAX_ANSWER_BYTES) };
  } catch (error) {
    if (signal.aborted || !isBackendError(error)) throw error;
    if (canRepeat && error.code !== "no-route") return againMs(error.retryAfterMs);
    return { error: { code: error.code, message: error.message } };
  }
}

/** The next attempt is a message for later: no worker waits for it. */
async function comeAgain({ services, room, envelope }: LaneRun, delayMs: number): Promise<void> {
  const { trip: _, ...message } = envelope;
  const attempt = envelope.attempt + 1;
  const scheduledAt = services.clock.now() + delayMs;
  const timeToLiveMs = envelope.expiresAt - scheduledAt;
  if (timeToLiveMs <= 0) return;
  const lane = laneFor(services.lanes, envelope.priority);
  await room.bus.send(envelope.isOver ? lane.overQueue : lane.queue, {
    messageId: lineMessageId(envelope.id, attempt),
    body: { ...message, attempt },
    scheduledAt,
    timeToLiveMs,
  });
}

/** Each attempt of a line has one message, however often it is sent. */
export const lineMessageId = (requestId: string, attempt: number): string =>
  `line-${requestId}-${attempt}`;
