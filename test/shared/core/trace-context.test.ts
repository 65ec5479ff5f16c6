import { describe, expect, it } from "vitest";
import {
  fromTraceFields,
  parseTraceContext,
  toTraceFields,
  toTraceparent,
} from "../../../shared/core/trace-context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

describe("a traceparent", () => {
  it("is read, and written as it was", () => {
    const text = `00-${TRACE}-${SPAN}-01`;
    const place = parseTraceContext(text, "vendor=1");
    expect(place).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true, state: "vendor=1" });
    expect(place && toTraceparent(place)).toBe(text);
  });

  it("tells by its last bit alone whether the trace is recorded", () => {
    expect(parseTraceContext(`00-${TRACE}-${SPAN}-00`)?.isSampled).toBe(false);
    expect(parseTraceContext(`00-${TRACE}-${SPAN}-fe`)?.isSampled).toBe(false);
    expect(parseTraceContext(`00-${TRACE}-${SPAN}-03`)?.isSampled).toBe(true);
  });

  it("may come from a later version, with more behind it", () => {
    expect(parseTraceContext(`01-${TRACE}-${SPAN}-01-more`)?.spanId).toBe(SPAN);
  });

  it.each([
    ["nothing", undefined],
    ["a version that is none", `ff-${TRACE}-${SPAN}-01`],
    ["a trace of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["a span of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["capitals", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["what goes on without a dash", `00-${TRACE}-${SPAN}-011`],
    ["JSON", '{"traceparent":"00"}'],
  ])("that is %s names no place", (_what, text) => {
    expect(parseTraceContext(text)).toBeUndefined();
  });

  it("loses a state that is longer than the specification lets it be", () => {
    const place = parseTraceContext(`00-${TRACE}-${SPAN}-01`, `a=${"b".repeat(511)}`);
    expect(place).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true });
  });
});

describe("a place on its way to another process", () => {
  it("comes back as it went, and is never valid JSON", () => {
    const place = { traceId: TRACE, spanId: SPAN, isSampled: true, state: "a=1,b=2" };
    const fields = toTraceFields(place);
    expect(fromTraceFields(fields)).toEqual(place);
    for (const value of Object.values(fields)) expect(() => JSON.parse(value)).toThrow();
  });

  it("is none where a message has none, or something else", () => {
    expect(fromTraceFields(undefined)).toBeUndefined();
    expect(fromTraceFields({ traceparent: 7 })).toBeUndefined();
  });
});
