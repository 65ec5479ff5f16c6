import type { TokenUsage } from "../core/domain.ts";
import { type Fields, fieldsIn, isFields } from "../core/fields.ts";

/** The counts of {@link TokenUsage}, in the order in which they are shown. */
export const TOKEN_COUNTS = [
  "inputTokens",
  "outputTokens",
  "totalTokens",
  "cacheReadInputTokens",
  "cacheCreationInputTokens",
  "reasoningOutputTokens",
  "audioInputTokens",
  "audioOutputTokens",
] as const satisfies readonly (keyof TokenUsage)[];

/** Usage as providers write it, merged over the events of a stream. */
export type RawUsage = Fields;

const NO_FIELDS: RawUsage = {};

const fieldsOf = (value: unknown): RawUsage => fieldsIn(value) ?? NO_FIELDS;

const countOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const firstCount = (usage: RawUsage, names: readonly string[]): number | undefined => {
  for (const name of names) {
    const count = countOf(usage[name]);
    if (count !== undefined) return count;
  }
  return undefined;
};

const sum = (...counts: readonly (number | undefined)[]): number | undefined => {
  let total: number | undefined;
  for (const count of counts) if (count !== undefined) total = (total ?? 0) + count;
  return total;
};

// Chat and embeddings; Responses and Messages; Gemini; Bedrock, and its count beside the makers' own.
const INPUT = [
  "prompt_tokens",
  "input_tokens",
  "promptTokenCount",
  "inputTokens",
  "inputTokenCount",
] as const;
const OUTPUT = [
  "completion_tokens",
  "output_tokens",
  "candidatesTokenCount",
  "outputTokens",
  "outputTokenCount",
] as const;
const TOTAL = ["total_tokens", "totalTokenCount", "totalTokens"] as const;
// Those in the singular are of transcriptions.
const INPUT_DETAILS = [
  "prompt_tokens_details",
  "input_tokens_details",
  "input_token_details",
] as const;
const OUTPUT_DETAILS = [
  "completion_tokens_details",
  "output_tokens_details",
  "output_token_details",
] as const;
const CACHE_READ_WITHIN = ["cachedContentTokenCount", "prompt_cache_hit_tokens"] as const;
// These providers count a prompt's cached parts beside `input_tokens`, the others within it.
const CACHE_READ_BESIDE = [
  "cache_read_input_tokens",
  "cacheReadInputTokens",
  "cacheReadInputTokenCount",
] as const;
const CACHE_CREATION_BESIDE = [
  "cache_creation_input_tokens",
  "cacheWriteInputTokens",
  "cacheWriteInputTokenCount",
] as const;

/** Reads usage in any provider's words; undefined where it holds no count at all. */
export function toTokenUsage(told: RawUsage): TokenUsage | undefined {
  const raw = billed(told);
  const input = detailsOf(raw, INPUT_DETAILS);
  const output = detailsOf(raw, OUTPUT_DETAILS);
  const total = firstCount(raw, TOTAL);
  const { inputTokens, readBeside, createdBeside } = wholeInput(raw, total);
  const thoughts = countOf(raw["thoughtsTokenCount"]);
  const reasoning = thoughts ?? countOf(output["reasoning_tokens"]);
  const outputTokens = wholeOutput(firstCount(raw, OUTPUT), {
    reasoning,
    total,
    inputTokens,
    isGemini: thoughts !== undefined,
  });
  const summed = sum(inputTokens, outputTokens);
  if (total === undefined && summed === undefined) return undefined;
  // A total that leaves out what was cached is not the total.
  const totalTokens = Math.max(total ?? 0, summed ?? 0);
  return withoutUndefined({
    inputTokens,
    outputTokens: outputTokens ?? remainder(totalTokens, inputTokens),
    totalTokens,
    cacheReadInputTokens:
      readBeside ?? countOf(input["cached_tokens"]) ?? firstCount(raw, CACHE_READ_WITHIN),
    cacheCreationInputTokens: createdBeside ?? countOf(input["cache_write_tokens"]),
    reasoningOutputTokens: reasoning,
    audioInputTokens: countOf(input["audio_tokens"]) ?? audioIn(raw["promptTokensDetails"]),
    audioOutputTokens: countOf(output["audio_tokens"]) ?? audioIn(raw["candidatesTokensDetails"]),
  });
}

/** Cohere tells what was used, and what it asks to be paid for: the conventions want the latter. */
function billed(told: RawUsage): RawUsage {
  const units = told["billed_units"] ?? told["tokens"];
  return isFields(units) ? { ...told, ...units } : told;
}

/** The whole prompt. In OpenAI's words its cached parts are within it, unless the total says that they are not. */
function wholeInput(raw: RawUsage, total: number | undefined) {
  const readBeside = firstCount(raw, CACHE_READ_BESIDE);
  const createdBeside = firstCount(raw, CACHE_CREATION_BESIDE);
  const told = firstCount(raw, INPUT);
  const all = sum(told, readBeside, createdBeside, countOf(raw["toolUsePromptTokenCount"]));
  const isInOpenAiWords = countOf(raw["prompt_tokens"]) !== undefined;
  const isBeside =
    !isInOpenAiWords ||
    (total !== undefined && total >= (all ?? 0) + (firstCount(raw, OUTPUT) ?? 0));
  return { inputTokens: isBeside ? all : told, readBeside, createdBeside };
}

interface Beside {
  readonly reasoning: number | undefined;
  readonly total: number | undefined;
  readonly inputTokens: number | undefined;
  readonly isGemini: boolean;
}

/**
 * The whole answer. Gemini, and Grok in OpenAI's words, count what was thought beside what was said, others
 * within it: where the total has room for both it is beside.
 */
function wholeOutput(
  said: number | undefined,
  { reasoning, total, inputTokens = 0, isGemini }: Beside,
): number | undefined {
  const both = sum(said, reasoning);
  if (both === undefined || reasoning === undefined) return said;
  if (total === undefined) return isGemini ? both : said;
  if (isGemini) return total >= inputTokens + both ? both : said;
  return total === inputTokens + both ? both : said;
}

/** Lays a later report over an earlier one: what it does not say, or says with null, stays. */
export function mergeUsage(earlier: RawUsage | undefined, later: RawUsage): RawUsage {
  if (!earlier) return later;
  const merged: Record<string, unknown> = { ...earlier };
  for (const name in later) if (later[name] !== null) merged[name] = later[name];
  return merged;
}

function detailsOf(raw: RawUsage, names: readonly string[]): RawUsage {
  const name = names.find((candidate) => (raw[candidate] ?? undefined) !== undefined);
  return name === undefined ? NO_FIELDS : fieldsOf(raw[name]);
}

/** Gemini lists the tokens of each modality. */
function audioIn(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  const audio = details.map(fieldsOf).filter(({ modality }) => modality === "AUDIO");
  return sum(...audio.map(({ tokenCount }) => countOf(tokenCount)));
}

/** Embeddings report a prompt and a total only. */
const remainder = (total: number, input: number | undefined): number | undefined =>
  input === undefined || input > total ? undefined : total - input;

type Draft = { readonly [Name in keyof TokenUsage]: number | undefined };

function withoutUndefined(draft: Draft): TokenUsage {
  const said: { -readonly [Name in keyof TokenUsage]: number } = {};
  for (const name of TOKEN_COUNTS) {
    const count = draft[name];
    if (count !== undefined) said[name] = count;
  }
  return said;
}
