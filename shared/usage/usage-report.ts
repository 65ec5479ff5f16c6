import type { RawUsage } from "./token-usage.ts";

/** What a JSON document of an answer, whole or one event, says about the answer's cost. */
export interface UsageReport {
  readonly usage: RawUsage | undefined;
  /** Whether the usage is the last word: later events, if any, will not add to it. */
  readonly isFinal: boolean;
  readonly model: string | undefined;
  readonly responseId: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/**
 * Reads one JSON value: a chat completion or chunk, a response or one of its events, a message or one of
 * its events, Gemini's content or an array of it, an embedding. Only fields in their proper place count.
 */
export function reportIn(value: unknown): UsageReport {
  if (Array.isArray(value)) return reportIn(value.findLast(isFields));
  if (!isFields(value)) return NOTHING;
  // Responses tell of themselves within `response`, Messages within `message` of their first event.
  const inner = [value, value["response"], value["message"]].filter(isFields);
  const usage = inner.map(usageOf).find((found) => found !== undefined);
  return {
    usage,
    isFinal: usage !== undefined && isLastWord(value),
    model: first(inner, ["model", "modelVersion"]),
    responseId: first(inner, ["id", "responseId"]),
  };
}

const NOTHING: UsageReport = {
  usage: undefined,
  isFinal: false,
  model: undefined,
  responseId: undefined,
};

function usageOf(fields: Fields): Fields | undefined {
  const found = [fields["usage"], fields["usageMetadata"]].find(isFields);
  return found;
}

function first(places: readonly Fields[], names: readonly string[]): string | undefined {
  for (const place of places) {
    for (const name of names) {
      const text = textOf(place[name]);
      if (text !== undefined) return text;
    }
  }
  return undefined;
}

/** The first event of a message, and every chunk with content, report what is used so far. */
function isLastWord(value: Fields): boolean {
  if (value["type"] === "message_start") return false;
  const parts = value["choices"] ?? value["candidates"];
  if (!Array.isArray(parts) || parts.length === 0) return true;
  return parts.some(
    (part) => isFields(part) && (textOf(part["finish_reason"]) ?? textOf(part["finishReason"])),
  );
}
