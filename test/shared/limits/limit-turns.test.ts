import { describe, expect, it } from "vitest";
import { LimitTurns, tooSmallLimit } from "../../../shared/limits/index.ts";

const subject = { id: "user:ann", limits: { requestsPerMinute: 60, tokensPerMinute: 6000 } };

describe("the turns of those who wait for a limit", () => {
  it("come one after the other, at the pace that the limit allows", () => {
    const turns = new LimitTurns();
    const refusal = { subject, limit: "requestsPerMinute", retryAfterMs: 5000 } as const;
    expect([1, 2, 3].map(() => turns.book(refusal, 10, 1000))).toEqual([6000, 7000, 8000]);
    expect(turns.book(refusal, 10, 60_000)).toBe(65_000);
  });

  it("are as far apart as what each of them claims takes to come free", () => {
    const turns = new LimitTurns();
    const refusal = { subject, limit: "tokensPerMinute", retryAfterMs: 1000 } as const;
    expect([600, 100, 100].map((tokens) => turns.book(refusal, tokens, 0))).toEqual([
      1000, 7000, 8000,
    ]);
  });

  it("are of each limit and each caller by itself", () => {
    const turns = new LimitTurns();
    const ben = { ...subject, id: "user:ben" };
    const at = [
      turns.book({ subject, limit: "requestsPerMinute", retryAfterMs: 1 }, 1, 0),
      turns.book({ subject, limit: "concurrentRequests", retryAfterMs: 1 }, 1, 0),
      turns.book({ subject: ben, limit: "requestsPerMinute", retryAfterMs: 1 }, 1, 0),
    ];
    expect(at).toEqual([1, 1, 1]);
  });

  it("never come for what is more than the limit", () => {
    const group = { id: "group:red", limits: { tokensPerDay: 5000 } };
    expect(tooSmallLimit([subject], 6000)).toBeUndefined();
    expect(tooSmallLimit([subject], 6001)).toEqual({ limit: "tokensPerMinute", most: 6000 });
    expect(tooSmallLimit([subject, group], 5001)).toEqual({ limit: "tokensPerDay", most: 5000 });
  });
});
