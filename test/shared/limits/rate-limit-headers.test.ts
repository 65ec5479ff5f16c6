import { describe, expect, it } from "vitest";
import { LimitBook, rateLimitHeaders, withRateLimits } from "../../../shared/limits/index.ts";
import { toGoDuration } from "../../../shared/limits/rate-limit-headers.ts";

const NOW = Date.UTC(2026, 0, 1, 12);
const ESTIMATE = { prompt: 10, total: 30 };

describe("what a caller is told of their limits", () => {
  it("is told of each limit as that one has it who has the least left", () => {
    const book = new LimitBook();
    const ann = { id: "user:ann", limits: { requestsPerMinute: 5, tokensPerMinute: 1000 } };
    const red = { id: "group:red", limits: { requestsPerMinute: 50, tokensPerMinute: 100 } };
    book.reserve([ann, red], ESTIMATE, NOW);
    expect(Object.fromEntries(rateLimitHeaders([ann, red], book, NOW))).toEqual({
      "x-ratelimit-limit-requests": "5",
      "x-ratelimit-remaining-requests": "4",
      "x-ratelimit-reset-requests": "1m0s",
      "x-ratelimit-limit-tokens": "100",
      "x-ratelimit-remaining-tokens": "70",
      "x-ratelimit-reset-tokens": "1m0s",
    });
  });

  it("takes the place of what a backend said of the same, and of nothing else", () => {
    const backend = [
      ["X-RateLimit-Remaining-Requests", "9999"],
      ["x-ratelimit-remaining-tokens", "8888"],
      ["content-type", "application/json"],
    ] as const;
    const own = [["x-ratelimit-remaining-requests", "4"]] as const;
    expect(withRateLimits(backend, own)).toEqual([backend[1], backend[2], own[0]]);
    expect(withRateLimits(backend, [])).toBe(backend);
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
