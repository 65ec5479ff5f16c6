import { describe, expect, it } from "vitest";
import { estimateTokens } from "../../../shared/limits/estimate-tokens.ts";
import { toGoDuration } from "../../../shared/limits/rate-limit-headers.ts";

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

describe("the estimate of a request's tokens", () => {
  it.each([
    [{ max_tokens: 100, messages: [] }, 100],
    [{ max_completion_tokens: 70, max_tokens: 10, messages: [] }, 70],
    [{ max_output_tokens: 30, input: "x" }, 30],
    [{ messages: [] }, 1024],
    [{ input: "an embedding has no output" }, 0],
  ])("adds the answer's bound to the prompt of %j", (request, outputTokens) => {
    const body = bytes(request);
    expect(estimateTokens(body)).toBe(Math.ceil(body.byteLength / 4) + outputTokens);
  });

  it("is nothing for no body, and the size alone for what is no JSON", () => {
    expect(estimateTokens(undefined)).toBe(0);
    expect(estimateTokens(Buffer.from("x".repeat(40)))).toBe(10);
  });
});

describe("a reset time", () => {
  it.each([
    [120, "120ms"],
    [1500, "1.5s"],
    [60_000, "1m0s"],
    [361_000, "6m1s"],
  ])("of %i ms reads %s", (durationMs, text) => {
    expect(toGoDuration(durationMs)).toBe(text);
  });
});
