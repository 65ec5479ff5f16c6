import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWorthRepeating, retryDelayMs, stateOf } from "../../../shared/jobs/index.ts";

const always = (chance: number) => () => chance;

describe("retryDelayMs", () => {
  it("does what the backend asked for, even if that is nothing", () => {
    expect(retryDelayMs(1, 12_345, always(0.5))).toBe(12_345);
    expect(retryDelayMs(7, 0, always(0.5))).toBe(0);
  });

  it.each([
    [1, 1000],
    [2, 2000],
    [4, 8000],
    [7, 60_000],
    [100, 60_000],
  ])("waits after attempt %d for at most %d ms", (attempt, ceilingMs) => {
    expect(retryDelayMs(attempt, undefined, always(0.999_999))).toBe(ceilingMs);
    expect(retryDelayMs(attempt, undefined, always(0.5))).toBe(ceilingMs / 2);
    expect(retryDelayMs(attempt, undefined, always(0))).toBe(0);
  });

  it("stays within its bounds at every attempt and chance", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), chance, (attempt, random) => {
        const waitMs = retryDelayMs(attempt, undefined, always(random));
        expect(Number.isInteger(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(60_000);
      }),
    );
  });
});

describe("isWorthRepeating", () => {
  it.each([
    [408, true],
    [429, true],
    [500, true],
    [503, true],
    [501, false],
    [200, false],
    [302, false],
    [400, false],
    [404, false],
    [422, false],
  ])("says of %d: %s", (status, expected) => {
    expect(isWorthRepeating(status)).toBe(expected);
  });
});

describe("stateOf", () => {
  const job = { id: "j", owner: "o", priority: 2, createdAt: 0, expiresAt: 1, request: "" };
  const unbegun = { startedAt: undefined, lease: undefined, isAccounted: false };
  const snapshot = { job, priority: 2, ...unbegun };
  const turn = { attempt: 1, epoch: 0 };
  const run = (attempt: number) => ({ attempt, startedAt: 0 });
  const ended = { ...run(1), end: { endedAt: 1, reason: "status-503", retryAfterMs: 0 } };
  const outcome = { state: "expired", endedAt: 1, attempt: 1 } as const;

  it.each([
    ["queued", [], undefined],
    ["running", [run(1)], undefined],
    ["queued", [ended], undefined],
    ["running", [ended, run(2)], undefined],
    ["expired", [], outcome],
    ["expired", [ended, run(2)], outcome],
  ])("is %s after the attempts %j with the outcome %j", (state, history, given) => {
    const { length: attempts } = history;
    expect(stateOf({ ...snapshot, attempts, history, turn, outcome: given })).toBe(state);
  });
});
