import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { badRequest } from "./api-error.ts";
import { seededRandom } from "./seeded-random.ts";
import { sendJson } from "./send-json.ts";

const BLOCK_BYTES = 65_536;
const MAX_COUNT = 100 * 1024 ** 3;

/** `ANY /sim/echo`: what arrived, byte for byte in its digest, without holding the body. */
export async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash("sha256");
  let bodyBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bodyBytes += chunk.length;
    hash.update(chunk);
  }
  const { method, url, httpVersion, rawHeaders, rawTrailers } = request;
  const bodySha256 = hash.digest("hex");
  sendJson(response, 200, {
    method,
    target: url,
    httpVersion,
    rawHeaders,
    rawTrailers,
    bodyBytes,
    bodySha256,
  });
}

/**
 * `GET /sim/bytes?count=N`: N seeded bytes, chunked, with their SHA-256 in the trailer
 * `x-sim-digest`; with `framing=length` they have a Content-Length and the digest is a header.
 */
export async function bytes(target: string, response: ServerResponse, seed: number): Promise<void> {
  const query = new URLSearchParams(target.split("?", 2)[1] ?? "");
  const count = countOf(query);
  const framing = query.get("framing") ?? "chunked";
  if (framing !== "chunked" && framing !== "length") {
    throw badRequest('"framing" is "chunked" or "length".', "framing");
  }
  response.setHeader("content-type", "application/octet-stream");
  if (framing === "length") {
    response.setHeader("content-length", count);
    response.setHeader("x-sim-digest", digestOf(count, seed));
  } else {
    response.setHeader("trailer", "x-sim-digest");
  }
  const digest = await writeBlocks(response, count, seed);
  if (framing === "chunked") response.addTrailers({ "x-sim-digest": digest });
  response.end();
}

function countOf(query: URLSearchParams): number {
  const text = query.get("count") ?? "";
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= MAX_COUNT) return count;
  throw badRequest(`"count" must be a whole number from 0 to ${MAX_COUNT}.`, "count");
}

async function writeBlocks(response: ServerResponse, count: number, seed: number): Promise<string> {
  const hash = createHash("sha256");
  const hashed = function* (): Generator<Buffer> {
    for (const block of blocks(count, seed)) {
      hash.update(block);
      yield block;
    }
  };
  // The trailer comes after the last block, so the pipeline leaves the end to us.
  await pipeline(Readable.from(hashed()), response, { end: false });
  return hash.digest("hex");
}

function digestOf(count: number, seed: number): string {
  const hash = createHash("sha256");
  for (const block of blocks(count, seed)) hash.update(block);
  return hash.digest("hex");
}

// One random block, numbered anew each time: fast, and no two blocks are the same.
function* blocks(count: number, seed: number): Generator<Buffer> {
  const random = seededRandom(`bytes ${seed}`);
  const template = Buffer.from(Uint8Array.from({ length: BLOCK_BYTES }, () => random() * 256));
  for (let at = 0; at < count; at += BLOCK_BYTES) {
    const block = Buffer.from(template.subarray(0, Math.min(BLOCK_BYTES, count - at)));
    if (block.length >= 8) block.writeDoubleBE(at);
    yield block;
  }
}
