import type { IncomingMessage } from "node:http";
import { AsyncSource } from "../shared/core/async-source.ts";
import { ByteQueue } from "../shared/core/byte-queue.ts";

// As much as a reader that is behind lets the client run ahead.
const HIGH_WATER_BYTES = 64 * 1024;

const NOTHING_TO_DO = {
  highWaterBytes: Number.POSITIVE_INFINITY,
  onPause() {},
  onResume() {},
  onReturn() {},
};

/**
 * The body of a request, straight from its connection: the web stream that the library makes of it
 * copies every chunk, and takes ten times as long for a small body. Nothing is read before it is asked
 * for, and what breaks off throws.
 */
export function arrivingBody(request: IncomingMessage): AsyncIterable<Uint8Array> | undefined {
  const { headers } = request;
  const hasBody =
    headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  if (!hasBody) return undefined;
  return new AsyncSource(() => (hasArrived(request) ? arrived(request) : reading(request)));
}

/** Whether nothing is to come any more: a small body arrives with its head. */
const hasArrived = (request: IncomingMessage): boolean => request.complete && !request.destroyed;

/** Taken out of the stream's memory at once: to let it flow takes four listeners and three turns. */
function arrived(request: IncomingMessage): ByteQueue {
  const queue = new ByteQueue(NOTHING_TO_DO);
  const bytes = request.read() as Uint8Array | null;
  if (bytes) queue.push(bytes);
  queue.end();
  return queue;
}

function reading(request: IncomingMessage): ByteQueue {
  const queue = new ByteQueue({
    highWaterBytes: HIGH_WATER_BYTES,
    onPause: () => request.pause(),
    onResume: () => request.resume(),
    onReturn() {
      stop();
      // Read away, or the connection could serve no further request.
      request.resume();
    },
  });
  const onData = (chunk: Uint8Array): void => queue.push(chunk);
  const onEnd = (): void => {
    stop();
    queue.end();
  };
  const onError = (error: unknown): void => queue.fail(error);
  const onClose = (): void => {
    stop();
    queue.fail(new Error("The connection was closed within the body."));
  };
  const stop = (): void => {
    request.off("data", onData).off("end", onEnd).off("close", onClose);
  };
  if (request.destroyed) onClose();
  // The listener for errors stays: an error that nobody hears would end the process.
  else request.on("error", onError).on("end", onEnd).on("close", onClose).on("data", onData);
  return queue;
}
