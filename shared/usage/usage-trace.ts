import { fieldsIn, isFields } from "../core/fields.ts";
import { JsonMemberScanner } from "../core/json-member-scanner.ts";
import { parsedJson } from "../core/parsed-json.ts";
import type { SseEvent } from "../core/sse-event.ts";

/** A stretch of bytes, by its first offset and the one behind it. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const DATA_LINE = /^data:(.*)$/gm;
const COMMA = 0x2c;
const SPACE = 0x20;
const USAGE = new Set(["usage"]);
const USAGE_NAME = '"usage"';

/**
 * What the wish for usage put into one event: all of it, where it has usage and no choices, or a member
 * `usage` that is null; undefined where that is nothing, or where the event is no object on one line.
 * `read`: the event, where somebody has read it.
 */
export function usageTrace(events: Buffer, span: Span, read?: SseEvent): Span | undefined {
  // Lines of data are joined by line feeds, and an object on one line has none.
  if (read && !read.data.includes("\n") && isReport(read.json)) return span;
  const text = events.toString("latin1", span.start, span.end);
  const [line, more] = text.matchAll(DATA_LINE);
  if (!line || more) return undefined;
  const [, data = ""] = line;
  const chunk = fieldsIn(parsedJson(data));
  if (isReport(chunk)) return span;
  if (chunk?.["usage"] !== null) return undefined;
  const dataStart = span.start + line.index + line[0].length - data.length;
  return nullMember(events, { start: dataStart, end: dataStart + data.length });
}

/** Whether a chunk is the one that tells nothing but usage. */
function isReport(chunk: unknown): boolean {
  if (!isFields(chunk)) return false;
  const { choices, usage } = chunk;
  const isTold = typeof usage === "object" && usage !== null;
  return isTold && Array.isArray(choices) && choices.length === 0;
}

/** Where a member `usage` of the object's own stands, with the comma that binds it to its neighbour. */
function nullMember(bytes: Buffer, { start, end }: Span): Span | undefined {
  const scanner = new JsonMemberScanner(USAGE);
  scanner.push(bytes.subarray(start, end));
  const [member, more] = scanner.end();
  if (!member || more) return undefined;
  const valueEnd = start + member.end;
  const nameStart = bytes.lastIndexOf(USAGE_NAME, start + member.start);
  const before = beforeSpace(bytes, nameStart - 1);
  if (bytes[before] === COMMA) return { start: before, end: valueEnd };
  const behind = behindSpace(bytes, valueEnd);
  return bytes[behind] === COMMA
    ? { start: nameStart, end: behindSpace(bytes, behind + 1) }
    : undefined;
}

function beforeSpace(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] ?? 0x7f) <= SPACE) at -= 1;
  return at;
}

function behindSpace(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] ?? 0x7f) <= SPACE) at += 1;
  return at;
}
