import { hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ApiError, badRequest } from "./api-error.ts";

/** A model reads its request whole; larger bodies are for `/sim/echo`, which holds nothing. */
const MAX_JSON_BODY_BYTES = 128 * 1024 * 1024;

export type JsonObject = Readonly<Record<string, unknown>>;

/** A request body, as received and as read. */
export interface RequestBody {
  readonly bytes: number;
  readonly sha256: string;
  /** The JSON object in it, or the 400 to answer with. */
  readonly json: JsonObject | ApiError;
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

function parseObject(text: string): JsonObject | ApiError {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
    return badRequest("The request body must be a JSON object.");
  } catch {
    return badRequest("We could not parse the JSON body of your request.");
  }
}

/** Whether a JSON value is an object with members. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An optional whole number of at least one; anything else is a 400 that names it. */
export function positiveInteger(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw badRequest(`"${name}" must be a whole number of at least 1.`, name);
}
