import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Clock, delay } from "../../shared/core/clock.ts";
import { type AnswerEncoding, encodedStream } from "./answer-encoding.ts";
import type { Ending, Frames } from "./frame.ts";

/** Frames that are due together leave together, up to about one socket buffer. */
const MAX_BATCH_CHARACTERS = 16_384;
/** A stalled answer is not held for ever, should its client wait that long. */
const STALL_LIMIT_MS = 600_000;

export interface SendOptions {
  readonly response: ServerResponse;
  readonly encoding: AnswerEncoding;
  readonly clock: Clock;
  /** Aborts when the client leaves; nothing is generated after that. */
  readonly signal: AbortSignal;
  /** Called with every batch's number of tokens, once it is handed to the socket. */
  readonly onTokens?: (count: number) => void;
}

/**
 * Writes frames when they are due and no faster than the client reads. Due times add up from the
 * start, so that late timers do not slow the stream down; without delays there are no timers.
 */
export async function sendFrames(frames: Frames, options: SendOptions): Promise<void> {
  const { response, encoding, clock, signal } = options;
  const sending = { ...options, body: encodedStream(response, encoding) };
  let dueAt = clock.now();
  let batch: Batch = { text: "", tokens: 0 };
  for (;;) {
    const { value, done } = frames.next();
    if (done) return await end(value ?? "complete", batch, sending);
    dueAt += value.delayMs;
    const waitMs = value.delayMs === 0 ? 0 : dueAt - clock.now();
    if (waitMs > 0 || batch.text.length >= MAX_BATCH_CHARACTERS) {
      await write(batch, sending);
      batch = { text: "", tokens: 0 };
    }
    if (waitMs > 0) await delay(clock, waitMs, signal);
    batch = { text: batch.text + value.text, tokens: batch.tokens + (value.isToken ? 1 : 0) };
  }
}

/** Holds the connection without a word, until the client leaves or the limit is reached. */
export async function stall({
  response,
  clock,
  signal,
}: Pick<SendOptions, "response" | "clock" | "signal">): Promise<void> {
  await delay(clock, STALL_LIMIT_MS, signal);
  response.destroy();
}

/** Resets the connection before anything was sent. */
export function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

interface Batch {
  readonly text: string;
  readonly tokens: number;
}

interface Sending extends SendOptions {
  readonly body: Writable;
}

async function write(batch: Batch, { body, signal, onTokens }: Sending): Promise<void> {
  signal.throwIfAborted();
  if (batch.text === "") return;
  const hasRoom = body.write(batch.text);
  onTokens?.(batch.tokens);
  // Other calls get their turn, and the client can leave, between the batches of a long answer.
  if (hasRoom) await nextTurn(undefined, { signal });
  else await once(body, "drain", { signal });
}

/** Writes and waits until the operating system has the bytes. */
async function flush(batch: Batch, { body, response, signal, onTokens }: Sending): Promise<void> {
  signal.throwIfAborted();
  const written = new Promise((resolve) => body.write(batch.text, resolve));
  await Promise.race([written, once(response, "close", { signal })]);
  await nextTurn(undefined, { signal });
  onTokens?.(batch.tokens);
}

async function end(ending: Ending, batch: Batch, sending: Sending): Promise<void> {
  const { body, response, onTokens } = sending;
  if (ending === "complete") {
    body.end(batch.text);
    onTokens?.(batch.tokens);
    return;
  }
  await flush(batch, sending);
  // Not a TCP reset: that could overtake the bytes on their way and take them from the client.
  if (ending === "break") response.destroy();
  else await stall(sending);
}
