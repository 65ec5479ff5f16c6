import { describe, expect, it } from "vitest";
import { History, percentile, sampleOf } from "../../../functions/operations-page/history.ts";
import type { Status, Traffic } from "../../../functions/operations-page/status-types.ts";

const NONE = { bounds: [10, 100], counts: [0, 0, 0] };
const START = Date.parse("2026-01-01T00:00:00Z");

function statusAt(seconds: number, traffic: Partial<Traffic> = {}): Status {
  return {
    at: new Date(START + seconds * 1000).toISOString(),
    isReady: true,
    readinessProblems: [],
    slots: { total: 4, running: 1, free: 3 },
    waiting: {
      total: 3,
      users: 1,
      oldestWaitMs: 50,
      classes: [{ priority: 2, waiting: 3, running: 1, oldestWaitMs: 50 }],
    },
    awaitingReplies: 0,
    gates: [],
    backends: [],
    traffic: {
      ...{ requests: 0, failed: 0, refused: 0, attempts: 0, inputTokens: 0, outputTokens: 0 },
      ...{ waitMs: NONE, firstByteMs: NONE, users: [], recent: [], ...traffic },
    },
  };
}

describe("a moment of the charts", () => {
  it("says what has happened since an earlier status, a second", () => {
    const earlier = statusAt(0, { requests: 10, attempts: 10 });
    const now = statusAt(5, {
      ...{ requests: 30, attempts: 35, failed: 2, inputTokens: 400, outputTokens: 100 },
      firstByteMs: { bounds: [10, 100], counts: [0, 20, 0] },
    });
    expect(sampleOf(now, earlier)).toMatchObject({
      waiting: new Map([["class 2", 3]]),
      requestsPerSecond: 4,
      tokensPerSecond: 100,
      failedPercent: 10,
      retriedPercent: 25,
      firstByteP50Ms: 55,
      firstByteP95Ms: 95.5,
    });
  });

  it("leaves open what one status alone cannot say", () => {
    const { requestsPerSecond, failedPercent, firstByteP50Ms } = sampleOf(statusAt(0), statusAt(0));
    expect([requestsPerSecond, failedPercent, firstByteP50Ms]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("the history of a page", () => {
  it("takes rates over ten seconds, and keeps two minutes of moments", () => {
    const history = new History();
    for (let second = 0; second <= 200; second++)
      history.push(statusAt(second, { requests: second * second }));
    expect(history.samples).toHaveLength(120);
    // From the 190th second to the 200th.
    expect(history.samples.at(-1)?.requestsPerSecond).toBe((200 ** 2 - 190 ** 2) / 10);
  });

  it("begins anew when another instance answers, instead of counting backwards", () => {
    const history = new History();
    history.push(statusAt(0, { requests: 500 }));
    history.push(statusAt(1, { requests: 510 }));
    history.push(statusAt(1.1, { requests: 4 }));
    expect(history.samples.at(-1)?.requestsPerSecond).toBeUndefined();
    history.push(statusAt(2.1, { requests: 6 }));
    expect(history.samples.at(-1)?.requestsPerSecond).toBe(2);
  });

  it("has a moment a second, however often somebody looks", () => {
    const history = new History();
    const becameMoments = [0, 0.1, 0.5, 0.95, 1.0, 1.8, 1.9].map((second) =>
      history.push(statusAt(second)),
    );
    expect(becameMoments).toEqual([true, false, false, true, false, false, true]);
  });
});

describe("a percentile of buckets", () => {
  it.each([
    [[0, 0, 0], 0.5, undefined],
    [[4, 0, 0], 0.5, 5],
    [[0, 0, 7], 0.5, 100],
    [[1, 0, 1], 0.95, 100],
    [[5, 5, 0], 0.9, 82],
  ])("%j at %d is %d", (counts, part, expected) => {
    expect(percentile({ bounds: [10, 100], counts }, part)).toBe(expected);
  });
});
