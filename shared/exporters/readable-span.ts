import type { Attributes, AttributeValue, HrTime, SpanContext } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import {
  ATTRIBUTES as A,
  type AttemptFacts,
  attemptFacts,
  attributeAs,
  errorOf,
  type MessageFacts,
  messageFacts,
  type RequestFacts,
  requestFacts,
  type SpanFacts,
  type TelemetryEvent,
} from "../telemetry/index.ts";

// The values of OpenTelemetry's enumerations: to import them would load its API at start.
const KIND = { server: 1, client: 2, producer: 3, consumer: 4 } as const;
const STATUS = { unset: 0, error: 2 } as const;
const SAMPLED = 1;
const MS_PER_SECOND = 1000;
const NS_PER_MS = 1_000_000;
export const SCOPE = { name: "simplel7proxy" };

/** What a span says besides when it was, and where in its trace. */
interface Told {
  readonly name: string;
  readonly kind: keyof typeof KIND;
  readonly tookMs: number;
  readonly error: string | undefined;
  readonly attributes: readonly (readonly [name: string, value: unknown])[];
}

export interface SpanOptions {
  readonly resource: Resource;
  readonly usesLatestNames: boolean;
}

type SpanRecord = "request.ended" | "attempt.ended" | "message.sent" | "message.ended";

const TOLD: Readonly<Record<SpanRecord, (event: TelemetryEvent) => Told>> = {
  "request.ended": (event) => requestSpan(requestFacts(event)),
  "attempt.ended": (event) => attemptSpan(attemptFacts(event)),
  "message.sent": (event) => messageSpan(messageFacts(event), "send"),
  "message.ended": (event) => messageSpan(messageFacts(event), "process"),
};

/** Whether an event is the record of a span. */
export const isSpanRecord = ({ event }: TelemetryEvent): boolean => Object.hasOwn(TOLD, event);

/** The span that a record stands for; undefined for one of no trace, or of one that nobody records. */
export function toReadableSpan(
  event: TelemetryEvent,
  { resource, usesLatestNames }: SpanOptions,
): ReadableSpan | undefined {
  const { traceId, spanId, parentSpanId, isSampled, startedAt = 0 } = event as SpanFacts;
  const tell = TOLD[event.event as SpanRecord];
  if (!isSampled || traceId === undefined || spanId === undefined || !tell) return undefined;
  const { name, kind, tookMs, error, attributes } = tell(event);
  const context = (id: string): SpanContext => ({ traceId, spanId: id, traceFlags: SAMPLED });
  const own = context(spanId);
  return {
    name,
    kind: KIND[kind],
    spanContext: () => own,
    ...(parentSpanId === undefined ? {} : { parentSpanContext: context(parentSpanId) }),
    startTime: toHrTime(startedAt),
    endTime: toHrTime(startedAt + tookMs),
    duration: toHrTime(tookMs),
    status: error === undefined ? { code: STATUS.unset } : { code: STATUS.error, message: error },
    attributes: toAttributes(attributes, usesLatestNames),
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Milliseconds as OpenTelemetry has times: seconds, and nanoseconds besides. */
export function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / MS_PER_SECOND);
  return [seconds, Math.round((ms - seconds * MS_PER_SECOND) * NS_PER_MS)];
}

function toAttributes(told: Told["attributes"], usesLatestNames: boolean): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of told) {
    if (value === undefined) continue;
    const [as, kept] = attributeAs(name, value as AttributeValue, usesLatestNames);
    attributes[as] = kept;
  }
  return attributes;
}

function requestSpan(facts: RequestFacts): Told {
  const { method, status = 0, code, firstByteMs } = facts;
  const error = status >= 500 ? (code ?? String(status)) : undefined;
  return {
    name: nameOf(facts),
    kind: "server",
    tookMs: facts.totalMs,
    error,
    attributes: [
      [A.method, method],
      [A.path, facts.path],
      [A.status, status],
      [A.errorType, status >= 400 ? (code ?? String(status)) : undefined],
      ...genAiAttributes(facts),
      ...usageAttributes(facts),
      ...streamAttributes(firstByteMs),
      [A.requestId, facts.requestId],
      [A.user, facts.user],
      [A.group, facts.group],
      [A.priority, facts.priority],
      [A.backend, facts.backend],
      [A.attempts, facts.attempts],
      [A.isAsync, facts.isAsync],
      [A.isWhole, facts.isWhole],
      [A.waitMs, facts.waitMs],
      [A.processMs, facts.processMs],
    ],
  };
}

function attemptSpan(facts: AttemptFacts): Told {
  const { origin, status, outcome } = facts;
  const { hostname, port, protocol } = new URL(origin);
  const error = errorOf(status, outcome);
  return {
    name: nameOf(facts),
    kind: "client",
    tookMs: facts.totalMs,
    error: error === undefined ? undefined : outcome,
    attributes: [
      [A.serverAddress, hostname],
      [A.serverPort, port === "" ? DEFAULT_PORTS[protocol] : Number(port)],
      [A.path, facts.path],
      [A.status, status],
      [A.errorType, error],
      ...genAiAttributes(facts),
      ...usageAttributes(facts),
      ...streamAttributes(facts.firstChunkMs),
      [A.isWhole, facts.isWhole],
      [A.requestId, facts.requestId],
      [A.backend, facts.backend],
      [A.tier, facts.tier],
      [A.attempt, facts.attempt],
      [A.outcome, outcome],
      [A.isSpilled, facts.isSpilled],
    ],
  };
}

function messageSpan(facts: MessageFacts, operation: "send" | "process"): Told {
  const { queue, messageId, isSent, isDone } = facts;
  const isOk = operation === "send" ? isSent : isDone;
  return {
    name: `${operation} ${queue}`,
    kind: operation === "send" ? "producer" : "consumer",
    tookMs: facts.tookMs,
    error: isOk === true ? undefined : `${operation} failed`,
    attributes: [
      [A.messagingSystem, "servicebus"],
      [A.messagingOperation, operation],
      [A.messagingDestination, queue],
      [A.messageId, messageId],
      [A.requestId, facts.requestId],
      [A.deliveryCount, facts.deliveryCount],
    ],
  };
}

type Asked = Pick<RequestFacts, "operation" | "provider" | "requestModel" | "outputType">;

const genAiAttributes = ({ operation, provider, ...asked }: Asked): Told["attributes"] => [
  [A.operation, operation],
  [A.provider, provider],
  [A.requestModel, asked.requestModel],
  [A.outputType, asked.outputType],
];

// Whoever is told an address is told its port.
const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Of what is told as it is made: that it was asked for so, and when the first of it was there. */
const streamAttributes = (firstMs: number | undefined): Told["attributes"] =>
  firstMs === undefined
    ? []
    : [
        [A.requestStream, true],
        [A.timeToFirstChunk, firstMs / MS_PER_SECOND],
      ];

type Answered = Pick<
  RequestFacts,
  "provider" | "model" | "responseId" | "finishReasons" | "serviceTier" | "tokens" | "usage"
>;

// The conventions have a name for the tiers of no other.
const TIERED_PROVIDERS: ReadonlySet<unknown> = new Set(["openai", "azure.ai.openai"]);

const usageAttributes = ({ model, tokens, usage, ...said }: Answered): Told["attributes"] => [
  [A.responseModel, model],
  [A.responseId, said.responseId],
  [A.finishReasons, said.finishReasons],
  [A.serviceTier, TIERED_PROVIDERS.has(said.provider) ? said.serviceTier : undefined],
  [A.inputTokens, tokens?.inputTokens],
  [A.outputTokens, tokens?.outputTokens],
  [A.cacheReadTokens, tokens?.cacheReadInputTokens],
  [A.cacheCreationTokens, tokens?.cacheCreationInputTokens],
  [A.reasoningTokens, tokens?.reasoningOutputTokens],
  [A.audioInputTokens, tokens?.audioInputTokens],
  [A.audioOutputTokens, tokens?.audioOutputTokens],
  [A.provenance, usage],
];

/** `chat gpt-4o`, as the conventions have it; what is no request to a model goes by its method. */
function nameOf({ operation, requestModel, method }: Asked & { readonly method: string }): string {
  if (operation === undefined) return method;
  return requestModel === undefined ? operation : `${operation} ${requestModel}`;
}
