/** A place in a distributed trace (W3C Trace Context): what is done there has this span for its parent. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** Whether somebody records the trace. */
  readonly isSampled: boolean;
  /** What vendors add, as it came; it goes on unread. */
  readonly state?: string | undefined;
}

/** A span of the gateway's own, and whose child it is; the first of a trace is nobody's. */
export interface SpanPlace extends TraceContext {
  readonly parentSpanId: string | undefined;
}

// https://www.w3.org/TR/trace-context/#traceparent-header: later versions may append fields.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const SAMPLED = 1;
// https://www.w3.org/TR/trace-context/#tracestate-limits
const MAX_STATE_LENGTH = 512;

/** Reads a `traceparent` with its `tracestate`; undefined for what names no place in a trace. */
export function parseTraceContext(
  traceparent: string | undefined,
  state?: string,
): TraceContext | undefined {
  const found = traceparent === undefined ? null : TRACEPARENT.exec(traceparent.trim());
  const [, traceId = "", spanId = "", flags = ""] = found ?? [];
  if (!found || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED;
  const kept = state !== undefined && state.length <= MAX_STATE_LENGTH ? state : undefined;
  return { traceId, spanId, isSampled, ...(kept ? { state: kept } : {}) };
}

/** The `traceparent` that makes whoever gets it a child of this place. */
export function toTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}

/** A place in a trace as messages and the inputs of orchestrations carry it. */
export interface TraceFields {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Writes a place down for another process. */
export function toTraceFields(place: TraceContext): TraceFields {
  const { state } = place;
  return {
    traceparent: toTraceparent(place),
    ...(state === undefined ? {} : { tracestate: state }),
  };
}

/** Reads a place back from whatever a message, or an input, has of it. */
export function fromTraceFields(
  fields: Readonly<Partial<Record<keyof TraceFields, unknown>>> | undefined,
): TraceContext | undefined {
  const text = (value: unknown): string | undefined =>
    typeof value === "string" ? value : undefined;
  return parseTraceContext(text(fields?.traceparent), text(fields?.tracestate));
}
