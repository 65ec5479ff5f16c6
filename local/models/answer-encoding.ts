import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import {
  brotliCompressSync,
  createBrotliCompress,
  createGzip,
  gzipSync,
  constants as zlib,
} from "node:zlib";
import { badRequest } from "./api-error.ts";

const ENCODINGS = ["identity", "gzip", "br"] as const;

/** How the bytes of an answer are encoded, by the header `x-sim-encoding`. */
export type AnswerEncoding = (typeof ENCODINGS)[number];

/** The encoding that a call asks for. */
export function requestedEncoding(headers: IncomingHttpHeaders): AnswerEncoding {
  const wanted = headers["x-sim-encoding"] ?? "identity";
  const encoding = ENCODINGS.find((one) => one === wanted);
  if (encoding) return encoding;
  throw badRequest(
    `The header x-sim-encoding is one of ${ENCODINGS.join(", ")}.`,
    "x-sim-encoding",
  );
}

/** Where the text of a stream is written to; every write leaves at once, as a stream needs it. */
export function encodedStream(response: ServerResponse, encoding: AnswerEncoding): Writable {
  if (encoding === "identity") return response;
  response.setHeader("content-encoding", encoding);
  const stream =
    encoding === "gzip"
      ? createGzip({ flush: zlib.Z_SYNC_FLUSH })
      : createBrotliCompress({ flush: zlib.BROTLI_OPERATION_FLUSH });
  stream.pipe(response);
  response.once("close", () => stream.destroy());
  return stream;
}

/** A whole answer's bytes; sets the header that goes with them. */
export function encodeWhole(
  response: ServerResponse,
  encoding: AnswerEncoding,
  text: string,
): Buffer {
  const bytes = Buffer.from(text);
  if (encoding === "identity") return bytes;
  response.setHeader("content-encoding", encoding);
  return encoding === "gzip" ? gzipSync(bytes) : brotliCompressSync(bytes);
}
