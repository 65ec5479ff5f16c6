import { counter, gauge, histogram, type MetricDefinition } from "./metric-definition.ts";

/**
 * Every name under which the gateway tells of itself: attributes of spans and metrics, and the metrics.
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
  responseModel: "gen_ai.response.model",
  responseId: "gen_ai.response.id",
  tokenType: "gen_ai.token.type",
  tokenModality: "gen_ai.token.modality",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheCreationTokens: "gen_ai.usage.cache_creation.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
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

// Those that the conventions give.
const DURATIONS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const LONG_DURATIONS = [...DURATIONS, 163.84, 327.68];
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
];
const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const TOKENS = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
  67_108_864,
];
const LAGS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const SPEEDS = [1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000];

const A = ATTRIBUTES;
const MODEL = [A.operation, A.provider, A.requestModel, A.responseModel, A.backend];

/** Every metric that the gateway tells. */
export const METRICS = {
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
  requests: counter(
    "simplel7proxy.requests",
    ["{request}", "Requests that were answered, by the gateway itself where there is a code."],
    { attributes: [A.priority, A.status, A.code] },
  ),
  total: histogram(
    "simplel7proxy.request.duration",
    ["s", "Time of any request, from its arrival to the end of its answer."],
    { attributes: [A.priority, A.responseModel, A.backend], bounds: LONG_DURATIONS },
  ),
  queueWait: histogram(
    "simplel7proxy.queue.wait",
    ["s", "Time of a request that no backend spent on it."],
    { attributes: [A.priority, A.responseModel, A.backend], bounds: LONG_DURATIONS },
  ),
  outputSpeed: histogram(
    "simplel7proxy.output.speed",
    ["{token}/s", "Tokens per second of a stream, the first one aside."],
    { attributes: [A.responseModel, A.backend], bounds: SPEEDS },
  ),
  tokens: counter("simplel7proxy.tokens", ["{token}", "Tokens that were used."], {
    attributes: [A.tokenType, A.responseModel, A.backend, A.provenance],
  }),
  refusals: counter(
    "simplel7proxy.refusals",
    ["{request}", "Requests that the gateway refused or gave up, by the error's code."],
    { attributes: [A.code, A.priority] },
  ),
  userRequests: counter("simplel7proxy.user.requests", ["{request}", "Requests by user."], {
    attributes: [A.user],
  }),
  userTokens: counter("simplel7proxy.user.tokens", ["{token}", "Tokens by user."], {
    attributes: [A.user],
  }),
  attempts: counter("simplel7proxy.attempts", ["{attempt}", "Calls to backends."], {
    attributes: [A.backend, A.status, A.outcome],
  }),
  attemptDuration: histogram(
    "simplel7proxy.attempt.duration",
    ["s", "Time of a call to a backend, until its answer began."],
    { attributes: [A.backend, A.outcome], bounds: DURATIONS },
  ),
  retries: counter(
    "simplel7proxy.retries",
    ["{attempt}", "Calls to backends that were not the first for their request."],
    { attributes: [A.backend] },
  ),
  spills: counter(
    "simplel7proxy.spills",
    ["{attempt}", "Calls to backends of a tier that is not the first."],
    { attributes: [A.priority, A.backend, A.tier] },
  ),
  spillWait: histogram(
    "simplel7proxy.spill.wait",
    ["s", "Time from the arrival of a request to its call to a tier that is not the first."],
    { attributes: [A.priority, A.backend, A.tier], bounds: LONG_DURATIONS },
  ),
  brokenAnswers: counter(
    "simplel7proxy.answers.broken",
    ["{request}", "Answers that broke off after they had begun."],
    { attributes: [] },
  ),
  backendChanges: counter(
    "simplel7proxy.backend.changes",
    ["{change}", "Changes of a backend's breaker and health: open, unhealthy and so on."],
    { attributes: [A.backend, A.state, A.reason] },
  ),
  failedMessages: counter(
    "simplel7proxy.messages.failed",
    ["{message}", "Deliveries of lanes' messages that came to nothing."],
    { attributes: [A.lane, A.state] },
  ),
  ledgerLag: histogram(
    "simplel7proxy.ledger.lag",
    ["s", "Time from the end of a call until its use was counted."],
    { attributes: [], bounds: LAGS },
  ),
  ledgerProblems: counter(
    "simplel7proxy.ledger.problems",
    [
      "{event}",
      "Notes of use that were dropped or not estimated, messages not counted yet, and those put aside.",
    ],
    { attributes: [A.reason] },
  ),
  lost: counter(
    "simplel7proxy.telemetry.dropped",
    ["{record}", "Spans, events and metrics that were dropped rather than to slow traffic."],
    { attributes: [A.sink, A.reason] },
  ),
  queueDepth: gauge("simplel7proxy.queue.depth", ["{request}", "Requests that wait for a slot."], {
    attributes: [A.priority],
  }),
  oldestWait: gauge("simplel7proxy.queue.oldest_wait", ["s", "The longest wait there is now."], {
    attributes: [A.priority],
  }),
  waitingUsers: gauge("simplel7proxy.fair_share.users", ["{user}", "Users with work here."], {
    attributes: [],
  }),
  slots: gauge("simplel7proxy.slots", ["{slot}", "The instance's slots, taken and free."], {
    attributes: [A.state],
  }),
  awaitedReplies: gauge(
    "simplel7proxy.replies.awaited",
    ["{request}", "Requests held here while a worker serves them, somewhere."],
    { attributes: [] },
  ),
  laneMessages: gauge("simplel7proxy.lane.messages", ["{message}", "Messages at a lane's gate."], {
    attributes: [A.lane, A.state],
  }),
  breaker: gauge(
    "simplel7proxy.backend.breaker",
    ["1", "0 closed, 1 half-open, 2 open: nothing is sent to the backend."],
    { attributes: [A.backend] },
  ),
  isHealthy: gauge("simplel7proxy.backend.healthy", ["1", "1 while its probes succeed, else 0."], {
    attributes: [A.backend],
  }),
  inFlight: gauge("simplel7proxy.backend.in_flight", ["{attempt}", "Calls under way."], {
    attributes: [A.backend],
  }),
  utilization: gauge(
    "simplel7proxy.backend.utilization",
    ["1", "The part of its provisioned throughput (PTU) that it says is in use, 0 to 1 and above."],
    { attributes: [A.backend] },
  ),
  restLine: gauge(
    "simplel7proxy.backend.rest_line",
    ["{request}", "Requests that wait until a backend has rested."],
    { attributes: [A.backend] },
  ),
  throttledFor: gauge(
    "simplel7proxy.backend.throttled_for",
    ["s", "For how long it asked to be left alone."],
    { attributes: [A.backend] },
  ),
} as const satisfies Record<string, MetricDefinition>;
