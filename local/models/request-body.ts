import { hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Fields, isFields } from "../../shared/core/fields.ts";
import { ApiError, badRequest } from "./api-error.ts";

/** A model reads its request whole; larger bodies are for `/sim/echo`, which holds nothing. */
const MAX_JSON_BODY_BYTES = 128 * 1024 * 1024;

/** A request body, as received and as read. */
export interface RequestBody {
  readonly bytes: number;
  readonly sha256: string;
  /** The JSON object in it, or the 400 to answer with. */
  readonly json: Fields | ApiError;
}

/** Reads a whole request and the JSON object in it. */
export async function readBody(request: IncomingMessage): Promise<RequestBody> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_JSON_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  return { bytes, sha256: hash("sha256", body, "hex"), json: parseObject(body.toString("utf8")) };
}

function tooLarge(): ApiError {
  return new ApiError(413, `The request body is larger than ${MAX_JSON_BODY_BYTES} bytes.`);
}

function parseObject(text: string): Fields | ApiError {
  try {
    const value: unknown = JSON.parse(text);
    if (isFields(value)) return value;
    return badRequest("The request body must be a JSON object.");
  } catch {
    return badRequest("We could not parse the JSON body of your request.");
  }
}

/** An optional whole number of at least one; anything else is a 400 that names it. */
export function positiveInteger(body: Fields, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw badRequest(`"${name}" must be a whole number of at least 1.`, name);
}
