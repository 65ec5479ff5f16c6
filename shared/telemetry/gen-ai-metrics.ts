import { DURATIONS, LONG_DURATIONS } from "./bounds.ts";
import { counter, histogram, type MetricDefinition } from "./metric-definition.ts";
import { ATTRIBUTES as A } from "./names.ts";

// Those that the conventions give.
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
];
const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const TOKENS = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
  67_108_864,
];

const MODEL = [A.operation, A.provider, A.requestModel, A.responseModel, A.backend];

/** What the conventions for generative AI have a metric for. */
export const GEN_AI_METRICS = {
  requestDuration: histogram(
    "gen_ai.server.request.duration",
    ["s", "Time of a request to a model, from its arrival to the end of its answer."],
    { attributes: [...MODEL, A.errorType], bounds: LONG_DURATIONS },
  ),
  timeToFirstToken: histogram(
    "gen_ai.server.time_to_first_token",
    ["s", "Time from the arrival of a request to the first event of its stream."],
    { attributes: MODEL, bounds: FIRST_TOKEN },
  ),
  timePerOutputToken: histogram(
    "gen_ai.server.time_per_output_token",
    ["s", "Time per token of a stream, the first one aside."],
    { attributes: MODEL, bounds: PER_TOKEN },
  ),
  operationDuration: histogram(
    "gen_ai.client.operation.duration",
    ["s", "Time of a call to a backend, to the end of its answer."],
    { attributes: [...MODEL, A.errorType], bounds: DURATIONS },
  ),
  timeToFirstChunk: histogram(
    "gen_ai.client.operation.time_to_first_chunk",
    ["s", "Time from a call to a backend to the first bytes of its stream."],
    { attributes: MODEL, bounds: DURATIONS, generation: "latest" },
  ),
  tokenUsage: histogram("gen_ai.client.token.usage", ["{token}", "Tokens of an answer."], {
    attributes: [...MODEL, A.tokenType],
    bounds: TOKENS,
    generation: "earlier",
  }),
  usedInputTokens: counter(
    "gen_ai.client.inference.usage.input_tokens",
    ["{token}", "Tokens of prompts."],
    { attributes: [...MODEL, A.tokenModality], generation: "latest" },
  ),
  usedOutputTokens: counter(
    "gen_ai.client.inference.usage.output_tokens",
    ["{token}", "Tokens of answers."],
    { attributes: [...MODEL, A.tokenModality], generation: "latest" },
  ),
  usedCacheReadTokens: counter(
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    ["{token}", "Tokens of prompts that came from a cache."],
    { attributes: [...MODEL, A.tokenModality], generation: "latest" },
  ),
  usedCacheWriteTokens: counter(
    "gen_ai.client.inference.usage.cache_write.input_tokens",
    ["{token}", "Tokens of prompts that went into a cache."],
    { attributes: [...MODEL, A.tokenModality], generation: "latest" },
  ),
  usedReasoningTokens: counter(
    "gen_ai.client.inference.usage.reasoning.output_tokens",
    ["{token}", "Tokens of answers that were reasoning."],
    { attributes: [...MODEL, A.tokenModality], generation: "latest" },
  ),
  inputTokens: histogram(
    "gen_ai.client.inference.operation.input_tokens",
    ["{token}", "Tokens of a prompt."],
    { attributes: MODEL, bounds: TOKENS, generation: "latest" },
  ),
  outputTokens: histogram(
    "gen_ai.client.inference.operation.output_tokens",
    ["{token}", "Tokens of an answer."],
    { attributes: MODEL, bounds: TOKENS, generation: "latest" },
  ),
} as const satisfies Record<string, MetricDefinition>;
