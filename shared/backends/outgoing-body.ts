import { Readable } from "node:stream";
import type { RequestBody } from "../core/http.ts";

/** A body as undici takes it, and the length that it cannot see. */
export interface OutgoingBody {
  readonly body: Uint8Array | Readable | null;
  readonly sizeBytes?: number;
}

// Of a hundred such on one connection node holds well below the limit.
const PIECE_BYTES = 16 * 1024;

/**
 * A request's body on its way out. `isShared`: it may go out beside others in HTTP/2. There node counts what was
 * written and is not sent yet, of all calls on a connection, and beyond ten megabytes it resets streams
 * whose answers come: so no call writes more at once than its backend takes.
 */
export function outgoingBody(body: RequestBody | undefined, isShared: boolean): OutgoingBody {
  if (body === undefined) return { body: null };
  if (!(body instanceof Uint8Array)) return streamed(body.read(), body.sizeBytes);
  const { byteLength } = body;
  return isShared && byteLength > PIECE_BYTES ? streamed(piecesOf(body), byteLength) : { body };
}

/** Of a body that is streamed the length is told, for not every backend takes one in chunks. */
const streamed = (
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  sizeBytes: number,
): OutgoingBody => ({ body: Readable.from(pieces, { objectMode: false }), sizeBytes });

function* piecesOf(body: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < body.byteLength; at += PIECE_BYTES) {
    yield body.subarray(at, at + PIECE_BYTES);
  }
}
