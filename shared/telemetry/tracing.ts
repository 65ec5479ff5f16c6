import type { Random } from "../core/domain.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import { parseTraceContext, type SpanPlace, type TraceContext } from "../core/trace-context.ts";
import type { Sampler } from "./sampler.ts";

const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;
const DIGITS_AT_ONCE = 8;

/**
 * Gives out places in traces. A span itself is written when what it stands for is over, from the record
 * of that; until then it is nothing but its ids. Scope: per instance.
 */
export class Tracing {
  readonly #sampler: Sampler;
  readonly #random: Random;

  constructor(sampler: Sampler, random: Random) {
    this.#sampler = sampler;
    this.#random = random;
  }

  /** The place of what a caller asks for: within the caller's trace where it names one. */
  begin(headers: HeaderList): SpanPlace {
    const state = headerValue(headers, "tracestate");
    return this.beginWithin(parseTraceContext(headerValue(headers, "traceparent"), state));
  }

  /** The place of what comes from elsewhere. */
  beginWithin(parent: TraceContext | undefined): SpanPlace {
    const traceId = parent?.traceId ?? this.#digits(TRACE_ID_DIGITS);
    return {
      traceId,
      spanId: this.#digits(SPAN_ID_DIGITS),
      parentSpanId: parent?.spanId,
      isSampled: this.#sampler(traceId, parent),
      state: parent?.state,
    };
  }

  /** The place of a part of what happens at `parent`. */
  within(parent: TraceContext): SpanPlace {
    const { traceId, isSampled, state } = parent;
    const spanId = this.#digits(SPAN_ID_DIGITS);
    return { traceId, spanId, parentSpanId: parent.spanId, isSampled, state };
  }

  #digits(count: number): string {
    let digits = "";
    while (digits.length < count) {
      // Never 0: ids that are all zero are none.
      const number = 1 + Math.floor(this.#random() * 0xffff_ffff);
      digits += number.toString(16).padStart(DIGITS_AT_ONCE, "0");
    }
    return digits;
  }
}

/** A span as the records of what it stands for have it; nothing where nobody traces. */
export function spanFacts(span: SpanPlace | undefined): Record<string, unknown> {
  if (!span) return {};
  const { traceId, spanId, parentSpanId, isSampled } = span;
  return { traceId, spanId, parentSpanId, isSampled };
}
