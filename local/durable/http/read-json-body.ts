import type { IncomingMessage } from "node:http";
import { CallError } from "./call.ts";

// Inputs and events are kept whole in memory and in the history; larger things belong in a blob.
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** The JSON text that a request carries, or undefined when its body is empty. */
export async function readJsonBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new CallError(413, `The body is larger than ${MAX_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  if (bytes === 0) return undefined;
  const contentType = request.headers["content-type"] ?? "";
  if (!/^application\/(.+\+)?json\b/i.test(contentType)) {
    throw new CallError(400, "Only application/json request content is supported.");
  }
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    JSON.parse(text);
  } catch (error) {
    throw new CallError(400, `The body is not valid JSON: ${(error as Error).message}`);
  }
  return text;
}
