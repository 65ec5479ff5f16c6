import { asBuffer } from "../core/bytes.ts";
import { parsedJson } from "../core/parsed-json.ts";
import { AnswerText } from "./answer-text.ts";
import { INVOCATION_METRICS } from "./bedrock.ts";
import { NO_REASONS } from "./finish-reasons.ts";
import { JsonFields } from "./json-fields.ts";
import { reportIn, type UsageReport } from "./usage-report.ts";

// Nearly all answers are shorter, and one call parses them faster than any reading along.
const MAX_HELD_BYTES = 256 * 1024;
const FIELDS = new Set([
  ...["usage", "usageMetadata", "x_groq", INVOCATION_METRICS, "model", "modelVersion"],
  ...["id", "responseId", "background", "object", "status", "created_at"],
  ...["service_tier", "serviceTier"],
]);
const BOM = "\ufeff";

/**
 * A JSON answer as it passes: a short one is held (by reference) and parsed at its end, a long one is
 * read along for the few fields that matter. Scope: one answer.
 */
export class JsonDocument {
  readonly #onReport: (report: UsageReport) => void;
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #fields: JsonFields | undefined;
  #found: Record<string, unknown> = {};
  #text: string | undefined;

  constructor(onReport: (report: UsageReport) => void) {
    this.#onReport = onReport;
  }

  /** What a short answer said, as the strings of its JSON. */
  get text(): string | undefined {
    return this.#text;
  }

  push(bytes: Uint8Array): void {
    if (this.#fields) {
      this.#fields.push(bytes);
      return;
    }
    this.#held?.push(bytes);
    this.#heldBytes += bytes.byteLength;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#readAlong();
  }

  end(): void {
    const held = this.#held ?? [];
    const whole = this.#fields ? this.#found : parsedJson(textOf(held));
    // One that was cut off tells what stands in its beginning: a stream may be a list.
    if (whole === undefined) this.#readAlong();
    this.#held = undefined;
    const report = reportIn(whole ?? this.#found);
    // Where only some fields are known they may say less than the whole.
    this.#onReport(this.#fields ? { ...report, finishReasons: NO_REASONS } : report);
    this.#text = whole === undefined ? saidIn(held) : report.usage ? undefined : spokenIn(whole);
  }

  #readAlong(): void {
    const fields = new JsonFields(FIELDS, (name, json) => {
      const value = parsedJson(json);
      if (value !== undefined && value !== null) this.#found[name] = value;
    });
    for (const bytes of this.#held ?? []) fields.push(bytes);
    this.#held = undefined;
    this.#fields = fields;
  }
}

function textOf(chunks: readonly Uint8Array[]): string {
  const [only] = chunks;
  const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks);
  const text = asBuffer(bytes).toString();
  return text.startsWith(BOM) ? text.slice(1) : text;
}

const SPOKEN = new Set([
  "content",
  "text",
  "arguments",
  "thinking",
  "reasoning_content",
  "refusal",
  "generation",
  "outputText",
]);

/** What the beginning of an answer says, as the deltas of a stream do. */
function saidIn(held: readonly Uint8Array[]): string | undefined {
  const said = new AnswerText(MAX_HELD_BYTES);
  said.take(asBuffer(Buffer.concat(held)).toString("latin1"));
  return said.text === "" ? undefined : said.text;
}

/** The texts of an answer, in their order. */
function spokenIn(value: unknown): string | undefined {
  const texts: string[] = [];
  // Not by calling itself: what parses may be nested more deeply than any stack of calls.
  const waiting: (object | string)[] = [{ value }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === "string") texts.push(next);
    else for (const part of partsOf(next).toReversed()) waiting.push(part);
  }
  return texts.length === 0 ? undefined : texts.join("");
}

/** What an object or a list says, or what may say something within it. */
function partsOf(value: object): readonly (object | string)[] {
  const parts: (object | string)[] = [];
  for (const [name, field] of Object.entries(value) as [string, unknown][]) {
    if (typeof field === "string" ? SPOKEN.has(name) : typeof field === "object" && field) {
      parts.push(field as object | string);
    }
  }
  return parts;
}
