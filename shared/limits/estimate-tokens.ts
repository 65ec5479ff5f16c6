import { asBuffer } from "../core/bytes.ts";
import { fieldsIn } from "../core/fields.ts";
import type { RequestBody } from "../core/http.ts";
import { parsedJson } from "../core/parsed-json.ts";
import { BYTES_PER_TOKEN, PromptMeter } from "./prompt-meter.ts";

/** How many tokens a request may cost. */
export interface TokenEstimate {
  /** Of the prompt alone: what it costs though nobody waits for its answer. */
  readonly prompt: number;
  /** Of the prompt and the longest answer that it allows. */
  readonly total: number;
}

// What a request without a bound of its own is taken to produce, until its usage is known.
const DEFAULT_OUTPUT_TOKENS = 1024;
// Parsing a larger body costs more than the estimate is worth; its size says enough.
const MAX_PARSED_BYTES = 1_000_000;

const OUTPUT_BOUNDS = ["max_completion_tokens", "max_output_tokens", "max_tokens"] as const;

/** Estimates a request's tokens: its prompt by size, its answer by the bound that it names. */
export function estimateTokens(body: RequestBody | undefined): TokenEstimate {
  if (!body) return { prompt: 0, total: 0 };
  const prompt = promptTokens(body);
  const output = body instanceof Uint8Array ? outputBound(body) : DEFAULT_OUTPUT_TOKENS;
  return { prompt, total: prompt + output };
}

/** Estimates a prompt's tokens by its size; a body outside of memory was measured as it came. */
export function promptTokens(body: RequestBody): number {
  if (!(body instanceof Uint8Array)) {
    return body.promptTokens ?? Math.ceil(body.sizeBytes / BYTES_PER_TOKEN);
  }
  const meter = new PromptMeter();
  meter.read(body);
  return meter.tokens;
}

function outputBound(body: Uint8Array): number {
  if (body.byteLength > MAX_PARSED_BYTES) return DEFAULT_OUTPUT_TOKENS;
  const request = fieldsIn(parsedJson(asBuffer(body).toString()));
  if (request === undefined) return 0;
  const bounds = OUTPUT_BOUNDS.map((name) => request[name]).filter(isCount);
  if (bounds.length > 0) return Math.max(...bounds);
  return "messages" in request || "prompt" in request ? DEFAULT_OUTPUT_TOKENS : 0;
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;
