import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTraceContext, toTraceparent } from "../../../shared/core/trace-context.ts";
import { createSampler, spanFacts, Tracing } from "../../../shared/telemetry/index.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = `00-${TRACE}-b7ad6b7169203331-01`;
const tracing = new Tracing(() => true, Math.random);

describe("places in a trace", () => {
  it("begin within the caller's trace, with what vendors added", () => {
    const span = tracing.begin([
      ["TraceParent", CALLER],
      ["tracestate", "v=1"],
    ]);
    expect(span).toMatchObject({ traceId: TRACE, parentSpanId: "b7ad6b7169203331", state: "v=1" });
    expect(span.spanId).not.toBe(span.parentSpanId);
  });

  it("begin a trace of their own where the caller names none, or one that cannot be", () => {
    expect(tracing.begin([]).parentSpanId).toBeUndefined();
    expect(tracing.begin([["traceparent", "00-x"]]).parentSpanId).toBeUndefined();
  });

  it("nest: a part has the whole for its parent, and is as sampled", () => {
    const whole = new Tracing(() => false, Math.random).begin([["traceparent", CALLER]]);
    const part = tracing.within(whole);
    expect(part).toMatchObject({ traceId: TRACE, parentSpanId: whole.spanId, isSampled: false });
  });

  it("have ids that every other tracer takes, whatever chance gives", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (number) => {
        const span = new Tracing(
          () => true,
          () => number,
        ).begin([]);
        expect(parseTraceContext(toTraceparent(span))).toMatchObject({ traceId: span.traceId });
      }),
    );
  });

  it("are told as plain facts, and not at all where nobody traces", () => {
    expect(spanFacts(undefined)).toEqual({});
    expect(Object.keys(spanFacts(tracing.begin([])))).toEqual([
      "traceId",
      "spanId",
      "parentSpanId",
      "isSampled",
    ]);
  });
});

const sampled = { traceId: TRACE, spanId: "b7ad6b7169203331", isSampled: true };
const unsampled = { ...sampled, isSampled: false };

describe("a sampler", () => {
  it.each([
    ["always_on", [true, true, true]],
    ["always_off", [false, false, false]],
    ["parentbased_always_on", [true, true, false]],
    ["parentbased_always_off", [false, true, false]],
  ] as const)("%s decides by its name", (sampler, expected) => {
    const decide = createSampler({ sampler, sampledShare: 1 });
    const decisions = [undefined, sampled, unsampled].map((parent) => decide(TRACE, parent));
    expect(decisions).toEqual(expected);
  });

  it("by ratio keeps that part of the traces, the same on every instance", () => {
    const decide = createSampler({ sampler: "traceidratio", sampledShare: 0.25 });
    const ids = Array.from({ length: 4000 }, () => tracing.begin([]).traceId);
    const kept = ids.filter((id) => decide(id, undefined));
    // Six standard deviations of a fair draw on either side.
    expect(kept.length).toBeGreaterThan(835);
    expect(kept.length).toBeLessThan(1165);
    expect(kept.every((id) => decide(id, unsampled))).toBe(true);
  });

  it("by parent and ratio follows the parent, and draws only at the beginning", () => {
    const decide = createSampler({ sampler: "parentbased_traceidratio", sampledShare: 0 });
    expect([undefined, sampled, unsampled].map((parent) => decide(TRACE, parent))).toEqual([
      false,
      true,
      false,
    ]);
  });
});
