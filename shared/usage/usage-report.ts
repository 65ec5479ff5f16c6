import { type Fields, isFields } from "../core/fields.ts";
import { INVOCATION_METRICS } from "./bedrock.ts";
import { finishReasonsIn, NO_REASONS } from "./finish-reasons.ts";
import { serviceTierIn } from "./service-tier.ts";
import { mergeUsage, type RawUsage } from "./token-usage.ts";

/** What a JSON document of an answer, whole or one event, says about the answer's cost. */
export interface UsageReport {
  readonly usage: RawUsage | undefined;
  /** Whether the usage is the last word: later events, if any, will not add to it. */
  readonly isFinal: boolean;
  /** Whether it is only what an answer begins with: of that nothing was said yet. */
  readonly isBeginning: boolean;
  readonly model: string | undefined;
  readonly responseId: string | undefined;
  /** When work began that its provider does by itself, and shows to who asks; epoch milliseconds. */
  readonly backgroundSince: number | undefined;
  /** Which of its provider's tiers served it, in the provider's word. */
  readonly serviceTier: string | undefined;
  readonly finishReasons: readonly string[];
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/**
 * Reads one JSON value: a chat completion or chunk, a response or one of its events, a message or one of
 * its events, Gemini's content or an array of it, an embedding. Only fields in their proper place count.
 */
export function reportIn(value: unknown): UsageReport {
  // A list of answers, but no list of lists, however deep.
  if (Array.isArray(value)) return value.filter(isFields).map(reportIn).reduce(laidOver, NOTHING);
  if (!isFields(value)) return NOTHING;
  // Responses tell of themselves within `response`, Messages within `message` of their first event.
  const inner = [value, value["response"], value["message"]].filter(isFields);
  const usage = firstUsage(inner) ?? firstUsage(OWN_PLACES.map((name) => value[name]));
  return {
    usage,
    isFinal: usage !== undefined && isLastWord(value),
    isBeginning: isBeginning(value),
    model: first(inner, ["model", "modelVersion"]),
    responseId: first(inner, ["id", "responseId"]),
    backgroundSince: inner.map(backgroundSince).find((since) => since !== undefined),
    serviceTier: serviceTierIn(inner, usage),
    finishReasons: finishReasonsIn(value),
  };
}

// Of Groq's last chunk, and of the last event of Cohere's.
const OWN_PLACES = ["x_groq", "delta"] as const;

function firstUsage(places: readonly unknown[]): Fields | undefined {
  for (const place of places) {
    const usage = isFields(place) ? usageOf(place) : undefined;
    if (usage) return usage;
  }
  return undefined;
}

/** What was said first names the answer, what was said last is what it used. */
const laidOver = (earlier: UsageReport, later: UsageReport): UsageReport => ({
  usage: later.usage ? mergeUsage(earlier.usage, later.usage) : earlier.usage,
  isFinal: later.isFinal,
  isBeginning: false,
  model: earlier.model ?? later.model,
  responseId: earlier.responseId ?? later.responseId,
  backgroundSince: earlier.backgroundSince ?? later.backgroundSince,
  serviceTier: later.serviceTier ?? earlier.serviceTier,
  finishReasons: later.finishReasons.length > 0 ? later.finishReasons : earlier.finishReasons,
});

const BACKGROUND_OBJECTS: ReadonlySet<unknown> = new Set(["batch", "thread.run"]);
const MS_PER_SECOND = 1000;

function backgroundSince(fields: Fields): number | undefined {
  const { created_at: createdAt } = fields;
  return isBackground(fields) && Number.isSafeInteger(createdAt)
    ? Number(createdAt) * MS_PER_SECOND
    : undefined;
}

const isBackground = ({ background, object }: Fields): boolean =>
  background === true || BACKGROUND_OBJECTS.has(object);

const NOTHING: UsageReport = {
  usage: undefined,
  isFinal: false,
  isBeginning: false,
  model: undefined,
  responseId: undefined,
  backgroundSince: undefined,
  serviceTier: undefined,
  finishReasons: NO_REASONS,
};

function usageOf(fields: Fields): Fields | undefined {
  // What goes on in the background tells zeros until it has ended.
  if (isBackground(fields) && !ENDED.has(fields["status"])) return undefined;
  return [fields["usage"], fields["usageMetadata"], fields[INVOCATION_METRICS]].find(isFields);
}

const ENDED: ReadonlySet<unknown> = new Set([
  ...["completed", "failed", "incomplete", "cancelled", "expired"],
]);

function first(places: readonly Fields[], names: readonly string[]): string | undefined {
  for (const place of places) {
    for (const name of names) {
      const text = textOf(place[name]);
      if (text !== undefined) return text;
    }
  }
  return undefined;
}

const isBeginning = ({ type }: Fields): boolean => type === "message_start";

/** The first event of a message, and every chunk with content, report what is used so far. */
function isLastWord(value: Fields): boolean {
  if (isBeginning(value)) return false;
  const parts = value["choices"] ?? value["candidates"];
  if (!Array.isArray(parts) || parts.length === 0) return true;
  return parts.some(
    (part) => isFields(part) && (textOf(part["finish_reason"]) ?? textOf(part["finishReason"])),
  );
}
