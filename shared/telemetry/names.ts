/**
 * The names of what spans and metrics are told apart by; those of the metrics are in metrics.ts.
 * What is said of models follows the conventions for generative AI, in both of the generations between
 * which `OTEL_SEMCONV_STABILITY_OPT_IN` chooses:
 * https://github.com/open-telemetry/semantic-conventions-genai (the latest) and
 * https://opentelemetry.io/docs/specs/semconv/gen-ai/ (what most tools know). For the rest there is no
 * standard name, so it has a prefix of its own.
 */
export const ATTRIBUTES = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  /** What the provider was called before. */
  system: "gen_ai.system",
  requestModel: "gen_ai.request.model",
  outputType: "gen_ai.output.type",
  responseModel: "gen_ai.response.model",
  responseId: "gen_ai.response.id",
  finishReasons: "gen_ai.response.finish_reasons",
  serviceTier: "openai.response.service_tier",
  /** What the tier was called before. */
  olderServiceTier: "gen_ai.openai.response.service_tier",
  requestStream: "gen_ai.request.stream",
  tokenType: "gen_ai.token.type",
  tokenModality: "gen_ai.token.modality",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheCreationTokens: "gen_ai.usage.cache_creation.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  audioInputTokens: "gen_ai.usage.audio.input_tokens",
  audioOutputTokens: "gen_ai.usage.audio.output_tokens",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  errorType: "error.type",
  method: "http.request.method",
  status: "http.response.status_code",
  path: "url.path",
  serverAddress: "server.address",
  serverPort: "server.port",
  user: "enduser.id",
  messagingSystem: "messaging.system",
  messagingOperation: "messaging.operation.type",
  messagingDestination: "messaging.destination.name",
  messageId: "messaging.message.id",
  requestId: "simplel7proxy.request.id",
  group: "simplel7proxy.group",
  priority: "simplel7proxy.priority",
  backend: "simplel7proxy.backend",
  tier: "simplel7proxy.backend.tier",
  attempt: "simplel7proxy.attempt",
  attempts: "simplel7proxy.attempts",
  outcome: "simplel7proxy.outcome",
  isSpilled: "simplel7proxy.spilled",
  isAsync: "simplel7proxy.async",
  isWhole: "simplel7proxy.answer.whole",
  waitMs: "simplel7proxy.wait_ms",
  processMs: "simplel7proxy.process_ms",
  code: "simplel7proxy.code",
  provenance: "simplel7proxy.usage.provenance",
  deliveryCount: "simplel7proxy.delivery_count",
  state: "simplel7proxy.state",
  lane: "simplel7proxy.lane",
  document: "simplel7proxy.document",
  sink: "simplel7proxy.sink",
  reason: "simplel7proxy.reason",
} as const;

/** The gateway's own version, as telemetry tells it. */
export const VERSION = "0.1.0";

/** Where an older generation of the conventions has another word for a provider. */
export const OLDER_PROVIDERS: Readonly<Record<string, string>> = {
  "azure.ai.openai": "az.ai.openai",
  "azure.ai.inference": "az.ai.inference",
};
