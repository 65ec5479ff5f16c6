import type { IncomingHttpHeaders } from "node:http";
import { badRequest } from "./api-error.ts";
import { estimateTokens } from "./generated-text.ts";
import { drawLogNormal, type SeededRandom, seededRandom } from "./seeded-random.ts";
import { MAX_OUTPUT_TOKENS, type ModelSettings } from "./settings.ts";

const MS_PER_SECOND = 1_000;
const MAX_TTFT_MS = 3_600_000;
const MAX_HASTE = 1_000_000;
const MAX_TOKENS_PER_SECOND = 1_000_000_000;

/** How long an answer gets, and when its tokens come. */
export interface AnswerPlan {
  readonly promptTokens: number;
  /** Of each choice. */
  readonly outputTokens: number;
  /** The caller's limit cut the answer short. */
  readonly isCutOff: boolean;
  readonly ttftMs: number;
  readonly tokenGapMs: number;
}

export interface AnswerPlanOptions {
  readonly settings: ModelSettings;
  readonly headers: IncomingHttpHeaders;
  /** The endpoint's own stream: speed varies from call to call. */
  readonly speed: SeededRandom;
  /** What the answer's length is drawn from: the same request gets the same length. */
  readonly textSeed: string;
  readonly prompt: string;
  readonly maxTokens: number | undefined;
}

/** Decides an answer's length and timing from settings, headers and seeds. */
export function planAnswer(options: AnswerPlanOptions): AnswerPlan {
  const { settings, headers, speed, textSeed, prompt, maxTokens } = options;
  const wanted = headerNumber(headers, "x-sim-output-tokens", MAX_OUTPUT_TOKENS);
  const natural = Math.round(wanted ?? drawLength(settings, textSeed));
  const limit = Math.min(maxTokens ?? MAX_OUTPUT_TOKENS, MAX_OUTPUT_TOKENS);
  const ttftMs =
    requestedTtftMs(headers) ?? drawLogNormal(speed, settings.ttftMs, settings.ttftSigma);
  const haste = requestedHaste(headers);
  return {
    promptTokens: estimateTokens(prompt),
    outputTokens: Math.min(natural, limit),
    isCutOff: natural > limit,
    ttftMs: ttftMs / haste,
    tokenGapMs: tokenGapMs(settings, headers, speed) / haste,
  };
}

/** The time to first token that a header asks for. */
export function requestedTtftMs(headers: IncomingHttpHeaders): number | undefined {
  return headerNumber(headers, "x-sim-ttft-ms", MAX_TTFT_MS);
}

/** How many times faster than its speed an answer comes: a replayed trace speeds up both sides. */
function requestedHaste(headers: IncomingHttpHeaders): number {
  return headerNumber(headers, "x-sim-speed", MAX_HASTE) || 1;
}

function drawLength(settings: ModelSettings, textSeed: string): number {
  const random = seededRandom(`length ${textSeed}`);
  const drawn = drawLogNormal(random, settings.outputTokens, settings.outputTokensSigma);
  return Math.min(Math.max(1, drawn), MAX_OUTPUT_TOKENS);
}

function tokenGapMs(
  { tokensPerSecond, tokensPerSecondSigma }: ModelSettings,
  headers: IncomingHttpHeaders,
  speed: SeededRandom,
): number {
  const rate =
    headerNumber(headers, "x-sim-tokens-per-second", MAX_TOKENS_PER_SECOND) ??
    drawLogNormal(speed, tokensPerSecond, tokensPerSecondSigma);
  return rate === 0 ? 0 : MS_PER_SECOND / rate;
}

function headerNumber(headers: IncomingHttpHeaders, name: string, max: number): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text !== "" && value >= 0 && value <= max) return value;
  throw badRequest(`The header ${name} must be a number from 0 to ${max}.`, name);
}
