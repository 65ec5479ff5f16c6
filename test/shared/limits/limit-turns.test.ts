import { describe, expect, it } from "vitest";
import { isNeverAdmitted, LimitTurns } from "../../../shared/limits/index.ts";

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
    expect(isNeverAdmitted(subject, 6001)).toBe(true);
    expect(isNeverAdmitted(subject, 6000)).toBe(false);
    expect(isNeverAdmitted({ id: "x", limits: { tokensPerDay: 5 } }, 6)).toBe(true);
  });
});
