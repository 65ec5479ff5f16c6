export { attemptResent, backendBreakerChanged, backendHealthChanged } from "./backend-events.ts";
export {
  anonymousAllowed,
  attemptFailed,
  deadLetterDealtWith,
  deadLetterSweepFailed,
  deadLetterWaitEnded,
  detachedWorkFailed,
  type Emit,
  fairShareLedgerFailed,
  heard,
  idempotencySweepFailed,
  idempotencySwept,
  jobAccountFailed,
  jobEventFailed,
  jobEventsUntold,
  jobPlacementFailed,
  jobSignalFailed,
  jobSweepFailed,
  jobsSwept,
  limitLedgerFailed,
  promotionFailed,
  providerPollFailed,
  providerReleaseFailed,
  replyInboxLost,
  replyUnclaimed,
  requestFailed,
  responseBroken,
  resultLinkFailed,
  settingsWithoutEffect,
  streamContinued,
  submissionPostponed,
  submissionRefused,
  type TelemetryEvent,
  webhookFailed,
} from "./events.ts";
export { genAiRequest, modelHint } from "./gen-ai-request.ts";
export { KnownNames } from "./known-names.ts";
export { type LoggedExchange, loggedExchange } from "./logged-exchange.ts";
export { measureRecords } from "./measure-records.ts";
export { messageFailed, messageHandedBack, messagePutOff } from "./message-events.ts";
export {
  attributeAs,
  type GaugeReading,
  type HistogramValue,
  MetricBook,
  type MetricPoint,
  type MetricReading,
} from "./metric-book.ts";
export type { MetricDefinition } from "./metric-definition.ts";
export { METRICS } from "./metrics.ts";
export { ATTRIBUTES, VERSION } from "./names.ts";
export {
  type AttemptFacts,
  attemptFacts,
  errorOf,
  type MessageFacts,
  messageFacts,
  type RequestFacts,
  requestFacts,
  type SpanFacts,
} from "./record-facts.ts";
export {
  attemptEnded,
  messageEnded,
  messageSent,
  requestEnded,
  requestRouted,
} from "./records.ts";
export { redactHeaders, redactTarget, redactText, redactValue } from "./redact.ts";
export { REDACTED } from "./redact-named.ts";
export { createSampler } from "./sampler.ts";
export { isSecretName } from "./secret-names.ts";
export { emitBehind, emitTo, type Sink } from "./sinks.ts";
export { spanFacts, Tracing } from "./tracing.ts";
export {
  usageCounted,
  usageDropped,
  usageNoted,
  usagePoisoned,
  usageSweepFailed,
  usageSwept,
  usageUncounted,
  usageUnestimated,
  usageUnsent,
  usageWishRefused,
} from "./usage-events.ts";
