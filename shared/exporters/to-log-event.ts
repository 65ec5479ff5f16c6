import type { HeaderList } from "../core/headers.ts";
import {
  type AttemptFacts,
  attemptFacts,
  errorOf,
  type LoggedExchange,
  type RequestFacts,
  redactText,
  requestFacts,
  type TelemetryEvent,
} from "../telemetry/index.ts";

/** An event as the original writes it: every value is a text. */
export type LogEvent = Readonly<Record<string, string>>;

/** What stands in every event. */
export interface CommonFacts {
  readonly Ver: string;
  readonly Replica: string;
  readonly ContainerApp: string;
}

type Draft = Readonly<Record<string, string | number | undefined>>;

const EXPIRED = "ttl-expired";
const DIGITS = 3;

/** The categories of the original that there are events of, by what our own events are called. */
const CATEGORIES: Readonly<Record<string, string>> = {
  "request.ended": "proxy",
  "attempt.ended": "backend",
  "request.failed": "exception",
  "backend.health.changed": "poller",
  "backend.breaker.changed": "circuitbreaker",
};

/** The category of an event; undefined for those that the log does not have. */
export const categoryOf = ({ event }: TelemetryEvent): string | undefined =>
  Object.hasOwn(CATEGORIES, event) ? CATEGORIES[event] : undefined;

/** An event in the original's words. */
export function toLogEvent(event: TelemetryEvent, common: CommonFacts): LogEvent {
  switch (categoryOf(event)) {
    case "backend":
      return written({ ...common, ...backendRequest(attemptFacts(event)) });
    case "poller":
      return written({ ...common, ...poller(event) });
    case "circuitbreaker":
      return written({ ...common, ...circuitBreaker(event) });
    case "exception":
      return written({ ...common, ...serverError(event) });
    default:
      return written({ ...common, ...proxyRequest(requestFacts(event)) });
  }
}

function proxyRequest(facts: RequestFacts): Draft {
  const { requestId, code, startedAt, exchange, priority } = facts;
  return {
    Type: code === EXPIRED ? "S7P-ProxyRequestExpired" : "S7P-ProxyRequest",
    MID: requestId,
    Status: facts.status,
    Method: facts.method,
    Date: startedAt === undefined ? undefined : time(startedAt + facts.totalMs),
    Path: facts.path,
    Url: facts.path,
    UserID: facts.user,
    "S7P-ID": requestId,
    GUID: requestId,
    "S7P-Priority": priority,
    Priority: priority,
    EnqueueTime: startedAt === undefined ? undefined : time(startedAt),
    ExpiresAt: facts.expiresAt === undefined ? undefined : time(facts.expiresAt),
    RequestType: facts.isAsync ? "Async" : "Sync",
    "Request-Queue-Duration": facts.waitMs.toFixed(DIGITS),
    "Request-Process-Duration": facts.processMs.toFixed(DIGITS),
    "Total-Latency": facts.totalMs.toFixed(DIGITS),
    "Response-Latency": facts.firstByteMs?.toFixed(DIGITS),
    Attempts: facts.attempts,
    "Backend-Host": facts.backend,
    Message: code,
    Disposition: dispositionOf(facts),
    ...exchangeFields(exchange),
    ...usageFields(facts),
    ...traceFields(facts),
  };
}

function exchangeFields(exchange: LoggedExchange | undefined): Draft {
  if (!exchange) return {};
  return {
    RequestHost: exchange.host,
    RequestUserAgent: exchange.userAgent,
    RequestContentLength: exchange.requestLength,
    "Content-Type": exchange.contentType,
    "Content-Length": exchange.contentLength,
    ...headerFields("Request", exchange.requestHeaders),
    ...headerFields("Response", exchange.responseHeaders),
  };
}

/** Fields of one name are told as one value, as the original does. */
function headerFields(whose: string, headers: HeaderList): Draft {
  const fields: Record<string, string> = {};
  for (const [name, value] of headers) {
    const field = `${whose}-${name}`;
    fields[field] = fields[field] === undefined ? value : `${fields[field]}, ${value}`;
  }
  return fields;
}

/** How it ended for its caller. */
function dispositionOf({ code, isWhole }: RequestFacts): string {
  if (code !== undefined) return code === EXPIRED ? "Expired" : "Refused";
  return isWhole ? "Completed" : "Broken";
}

function usageFields({ tokens, usage, model }: RequestFacts | AttemptFacts): Draft {
  return {
    Model: model,
    "Usage.Prompt_Tokens": tokens?.inputTokens,
    "Usage.Completion_Tokens": tokens?.outputTokens,
    "Usage.Total_Tokens": tokens?.totalTokens,
    "Usage.Prompt_Tokens_Details.Cached_Tokens": tokens?.cacheReadInputTokens,
    "Usage.Completion_Tokens_Details.Reasoning_Tokens": tokens?.reasoningOutputTokens,
    "Usage.Prompt_Tokens_Details.Audio_Tokens": tokens?.audioInputTokens,
    "Usage.Completion_Tokens_Details.Audio_Tokens": tokens?.audioOutputTokens,
    "Usage.Cache_Creation_Input_Tokens": tokens?.cacheCreationInputTokens,
    UsageProvenance: usage,
  };
}

function backendRequest(facts: AttemptFacts): Draft {
  const { requestId, attempt, status, outcome, startedAt = 0 } = facts;
  return {
    Type: "S7P-BackendRequest",
    MID: `${requestId}-${attempt}`,
    ParentId: requestId,
    Status: status,
    Method: facts.method,
    "Request-Date": time(startedAt),
    Date: time(startedAt + facts.totalMs),
    "Backend-Host": facts.backend,
    "Host-URL": redactText(facts.origin),
    Path: facts.path,
    Attempt: attempt,
    "Response-Latency": facts.tookMs.toFixed(DIGITS),
    "Total-Latency": facts.totalMs.toFixed(DIGITS),
    Error: errorOf(status, outcome) === undefined ? undefined : outcome,
    ...usageFields(facts),
    ...traceFields(facts),
  };
}

/** The original tells of every probe; here of those after which a backend was taken out of use, or came back. */
function poller({ backend, isHealthy }: TelemetryEvent): Draft {
  return {
    Type: "S7P-Poller",
    "Backend-Host": String(backend),
    Success: String(isHealthy),
    Message: isHealthy ? "healthy" : "unhealthy",
  };
}

/** The original tells of every failure that a breaker counts; here of those after which its state is another. */
function circuitBreaker(event: TelemetryEvent): Draft {
  const { backend, state, reason, lastFailure, failures } = event;
  return {
    Type: "S7P-CircuitBreakerError",
    "Backend-Host": String(backend),
    Code: String(state),
    Success: String(state === "closed"),
    Count: Number(failures),
    Error: String(lastFailure),
    Message: String(reason),
  };
}

function serverError({ requestId, error, errorName }: TelemetryEvent): Draft {
  return {
    Type: "S7P-ServerError",
    MID: String(requestId),
    Status: 500,
    Error: redactText(String(errorName ?? "Error")),
    Message: redactText(String(error ?? "")),
  };
}

const traceFields = ({ traceId, spanId }: RequestFacts | AttemptFacts): Draft => ({
  TraceId: traceId,
  SpanId: spanId,
});

const time = (epochMs: number): string => new Date(epochMs).toISOString();

function written(draft: Draft): LogEvent {
  const event: Record<string, string> = {};
  for (const [name, value] of Object.entries(draft)) {
    if (value !== undefined) event[name] = String(value);
  }
  return event;
}
