import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { asBuffer } from "../shared/core/bytes.ts";
import { type HeaderList, headerValue } from "../shared/core/headers.ts";
import type { GatewayResponse } from "../shared/core/http.ts";

/** An answer whose body is whole, but for its status, which is the library's to set. */
export interface WholeAnswer {
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** An answer whose body comes piece by piece, but for its status. */
export interface StreamedAnswer {
  readonly headers: HeaderList;
  readonly body: AsyncIterable<Uint8Array>;
  readonly trailers: GatewayResponse["trailers"];
}

/** Writes an answer to its end: at once, and as one piece while it is short. */
export function sendWhole(response: ServerResponse, { headers, body }: WholeAnswer): void {
  const fields = flat(headers);
  // Node would add a length only to headers that are set one by one, which takes it ten times as long.
  const isMeasured = headerValue(headers, "content-length") !== undefined;
  if (!isMeasured) fields.push("Content-Length", String(body.byteLength));
  response.writeHead(response.statusCode, fields);
  endWith(response, body);
}

/**
 * Writes an answer's bytes as they come, no faster than the client reads, and leaves the end to the
 * caller. Every piece of every stream passes here: no timer, no listener and no copy for a piece that
 * the socket takes. Throws when the body breaks, after the client was made to see that.
 */
export async function sendStream(
  response: ServerResponse,
  { headers, body, trailers }: StreamedAnswer,
  closed: AbortSignal,
): Promise<void> {
  response.writeHead(response.statusCode, flat(headers));
  const pieces = body[Symbol.asyncIterator]();
  // Node holds a head back for what follows it; one whose body is not there yet goes ahead.
  const flushing = setImmediate(() => response.flushHeaders());
  let isUnderWay = false;
  try {
    while (!closed.aborted) {
      const { done, value } = await pieces.next();
      clearImmediate(flushing);
      if (done) {
        if (trailers) response.addTrailers(trailers().map(([...field]): [string, string] => field));
        return;
      }
      const isTaken = isUnderWay ? writeChunk(response, value) : response.write(value);
      isUnderWay = true;
      if (!isTaken) await drained(response);
    }
  } catch (error) {
    // A client that left has nobody to tell, and is no failure of the function.
    if (closed.aborted) return;
    // The library would leave the response open, and the client waiting for what never comes.
    clearImmediate(flushing);
    await breakOff(response, headers);
    throw error;
  }
  await pieces.return?.();
}

// `Array.flat` takes five to ten times as long.
function flat(headers: HeaderList): string[] {
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return fields;
}

// What is longer costs more to copy than the second buffer in a write.
const MAX_TEXT_BYTES = 8 * 1024;

/** Node writes a head and a short text as one string, which latin1 keeps to the byte, and bytes apart from the head. */
function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.byteLength > MAX_TEXT_BYTES) response.end(body);
  else response.end(latin1Of(body), "latin1");
}

const latin1Of = (bytes: Uint8Array): string => asBuffer(bytes).toString("latin1");

/** In the order, spelling and number given; what the host has set under the same name gives way. */
export function setHeaders(response: ServerResponse, headers: HeaderList): void {
  const names = new Set<string>();
  for (const [name, value] of headers) {
    const lowerCaseName = name.toLowerCase();
    if (names.has(lowerCaseName)) response.appendHeader(name, value);
    else response.setHeader(name, value);
    names.add(lowerCaseName);
  }
}

// Up to here a copy costs less than what it saves.
const MAX_FRAMED_BYTES = 16 * 1024;
const CRLF = "\r\n";

/**
 * Writes a piece behind the head; false when the client is behind. Node makes four writes of each chunk
 * and one call of all their parts, which is most of what a small event costs: here it goes to the
 * connection in its frame, as one write, and in its order with all others.
 */
function writeChunk(response: ServerResponse, piece: Uint8Array): boolean {
  const { socket } = response;
  const size = piece.byteLength;
  // Nothing is the frame of the end; and who waits behind another answer has no connection yet.
  const isOwn = response.chunkedEncoding && size > 0 && size <= MAX_FRAMED_BYTES;
  return isOwn && socket?.writable ? socket.write(chunkOf(piece)) : response.write(piece);
}

/** RFC 9112, section 7.1. */
function chunkOf(piece: Uint8Array): Buffer {
  const size = piece.byteLength.toString(16) + CRLF;
  const chunk = Buffer.allocUnsafe(size.length + piece.byteLength + CRLF.length);
  chunk.write(size, 0, "latin1");
  chunk.set(piece, size.length);
  chunk.write(CRLF, size.length + piece.byteLength, "latin1");
  return chunk;
}

/** Resolves when the client has taken what was written so far, or is gone. */
export function drained(response: ServerResponse): Promise<void> {
  const { socket } = response;
  const isBehind = response.writableNeedDrain || socket?.writableNeedDrain;
  if (!isBehind || response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      socket?.off("drain", done);
      response.off("drain", done).off("close", done);
      resolve();
    };
    socket?.on("drain", done);
    response.on("drain", done).on("close", done);
  });
}

// For a client that does not even read what was written.
const FLUSH_LIMIT_MS = 5000;

/**
 * Breaks off an answer that cannot be completed, behind what was written: its client must see an error,
 * and no end. Resolves when the connection is closed.
 */
async function breakOff(response: ServerResponse, headers: HeaderList): Promise<void> {
  const { socket } = response;
  if (response.closed || !socket) return;
  const closed = once(response, "close");
  const isFramed = response.chunkedEncoding || headerValue(headers, "content-length") !== undefined;
  // Without a length or chunks an end of the connection would be the end of the answer; a reset is not.
  if (!isFramed) socket.resetAndDestroy();
  else socket.destroySoon();
  const timer = setTimeout(() => response.destroy(), FLUSH_LIMIT_MS).unref();
  await closed;
  clearTimeout(timer);
}
