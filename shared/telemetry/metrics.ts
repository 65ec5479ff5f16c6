import { DURATIONS, LONG_DURATIONS } from "./bounds.ts";
import { GAUGES } from "./gauges.ts";
import { GEN_AI_METRICS } from "./gen-ai-metrics.ts";
import { counter, histogram, type MetricDefinition } from "./metric-definition.ts";
import { ATTRIBUTES as A } from "./names.ts";

const LAGS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const SPEEDS = [1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000];

/** Every metric that the gateway tells. */
export const METRICS = {
  ...GEN_AI_METRICS,
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
  resends: counter(
    "simplel7proxy.resends",
    [
      "{request}",
      "Requests that went out once more to a backend that had not seen them: its kept connection closed, or it refused them.",
    ],
    { attributes: [A.backend, A.reason] },
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
  ...GAUGES,
} as const satisfies Record<string, MetricDefinition>;
