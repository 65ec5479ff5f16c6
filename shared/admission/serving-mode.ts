import { asBuffer } from "../core/bytes.ts";
import { fieldsIn } from "../core/fields.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import type { RequestBody } from "../core/http.ts";
import { parsedJson } from "../core/parsed-json.ts";

/**
 * Whether the answer will be a stream of events. The body is parsed only when it mentions `stream`,
 * because most large bodies do not.
 */
export function wantsStream(headers: HeaderList, body: RequestBody | undefined): boolean {
  if (headerValue(headers, "accept")?.toLowerCase().includes("text/event-stream")) return true;
  return isTrue("stream", headers, body);
}

/** Whether a request asks its provider to go on by itself, and to be asked for the answer. */
export function wantsBackground(headers: HeaderList, body: RequestBody | undefined): boolean {
  return isTrue("background", headers, body) && !wantsStream(headers, body);
}

function isTrue(member: string, headers: HeaderList, body: RequestBody | undefined): boolean {
  if (!body || !headerValue(headers, "content-type")?.toLowerCase().includes("json")) return false;
  if (!(body instanceof Uint8Array)) {
    // Of members with the same name the last one holds, as in JSON.parse.
    return body.members.findLast(({ name }) => name === member)?.text === "true";
  }
  const bytes = asBuffer(body);
  if (!bytes.includes(`"${member}"`)) return false;
  return fieldsIn(parsedJson(bytes.toString()))?.[member] === true;
}
