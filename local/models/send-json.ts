import type { ServerResponse } from "node:http";
import { encodeWhole } from "./answer-encoding.ts";
import type { Fault } from "./fault-script.ts";
import { withFault } from "./faulty-frames.ts";
import type { Frames } from "./frame.ts";
import { type SendOptions, sendFrames } from "./send-frames.ts";

/** Answers with JSON that is complete and right. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, jsonHeaders(Buffer.byteLength(text)));
  response.end(text);
}

/** Answers 200 with JSON, going wrong as the fault says; a token counts as a character here. */
export async function sendFaultyJson(
  body: object,
  fault: Fault | undefined,
  options: SendOptions,
): Promise<void> {
  const { response } = options;
  const text = JSON.stringify(body);
  switch (fault?.name) {
    case "break-after":
    case "stall-after":
    case "truncate":
      response.setHeader("content-type", "application/json");
      return await sendFrames(withFault(characters(text), fault), options);
    case "drip":
      response.setHeader("content-type", "application/json");
      return await sendFrames(withFault(whole(text), fault), options);
    case "malformed":
      response.setHeader("content-type", "application/json");
      response.end(text.slice(0, Math.min(fault.value ?? 0, text.length - 1)));
      return;
    case "wrong-length":
      return sendBytes(options, text, fault.value ?? 0);
    default:
      return sendBytes(options, text, 0);
  }
}

function jsonHeaders(length: number): Record<string, string | number> {
  return { "content-type": "application/json", "content-length": length };
}

// The headers promise `excess` bytes more (or fewer) than follow; then the connection ends,
// because nothing after such an answer could be told apart from it.
function sendBytes({ response, encoding }: SendOptions, text: string, excess: number): void {
  const bytes = encodeWhole(response, encoding, text);
  const headers = jsonHeaders(Math.max(0, bytes.length + excess));
  response.writeHead(200, excess === 0 ? headers : { ...headers, connection: "close" });
  response.end(bytes, () => {
    if (excess !== 0) response.socket?.end();
  });
}

function* characters(text: string): Frames {
  for (const character of text) yield { text: character, delayMs: 0, isToken: true };
  return undefined;
}

function* whole(text: string): Frames {
  yield { text, delayMs: 0, isToken: true };
  return undefined;
}
