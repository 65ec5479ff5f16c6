import { describe, expect, it } from "vitest";
import { TrafficBoard } from "../../../../shared/gateway/index.ts";
import { heard, requestEnded, requestRouted } from "../../../../shared/telemetry/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";

const FACTS = { kind: "request", attempts: 1, status: 200, waitMs: 20, totalMs: 90, isWhole: true };

function createBoard() {
  const clock = new FakeClock();
  const board = new TrafficBoard(clock);
  const end = (requestId: string, facts: object = {}): void =>
    board.take(heard(requestEnded(requestId, () => ({ ...FACTS, ...facts }))));
  return { clock, board, end };
}

describe("the traffic of an instance", () => {
  it("is counted since its beginning", () => {
    const { board, end } = createBoard();
    end("1", { attempts: 3, firstByteMs: 30, tokens: { inputTokens: 5, outputTokens: 7 } });
    end("2", { status: 502 });
    end("3", { status: 429, attempts: 0 });
    end("4", { status: undefined, kind: "job" });
    expect(board.status()).toMatchObject({
      ...{ requests: 4, failed: 1, refused: 1, attempts: 5, inputTokens: 5, outputTokens: 7 },
    });
    expect(board.status().waitMs.counts.reduce((sum, count) => sum + count)).toBe(4);
    expect(board.status().firstByteMs.counts.reduce((sum, count) => sum + count)).toBe(1);
  });

  it("hears of nothing else", () => {
    const { board } = createBoard();
    expect(board.hears(requestEnded("1", () => ({})))).toBe(true);
    expect(board.hears({ event: "attempt.ended", level: "info" })).toBe(false);
  });

  it("shows who uses most lately, and forgets", async () => {
    const { board, clock, end } = createBoard();
    end("1", { user: "early", tokens: { inputTokens: 1000 } });
    await clock.advance(900_000);
    end("2", { user: "late", tokens: { inputTokens: 100 } });
    expect(board.status().users).toEqual([
      { user: "late", requests: 1, tokens: 100 },
      { user: "early", requests: 0, tokens: 50 },
    ]);
  });

  it("keeps no more than so many users, requests and receipts, whoever calls", () => {
    const { board, end } = createBoard();
    for (let n = 0; n < 2000; n++) {
      end(`r${n}`, { user: `u${n}` });
      board.take(heard(requestRouted(() => ({ requestId: `r${n}`, attempts: [] }))));
    }
    const { recent, users } = board.status();
    expect([recent.length, users.length]).toEqual([50, 25]);
    expect(recent[0]?.requestId).toBe("r1999");
    expect(board.receipt("r1799")).toBeUndefined();
    expect(board.receipt("r1800")).toMatchObject({ requestId: "r1800" });
  });

  it("tells of a request how it was decided each time that it came, and how it ended", () => {
    const { board, end } = createBoard();
    const routed = (facts: object): void =>
      board.take(heard(requestRouted(() => ({ requestId: "r", ...facts }))));
    routed({ outcome: "requeued", waitedMs: 0 });
    routed({ outcome: "requeued", waitedMs: 400 });
    routed({ outcome: "answered", waitedMs: 900 });
    end("r", { user: "ann" });
    expect(board.receipt("r")).toMatchObject({
      outcome: "answered",
      earlier: [
        { outcome: "requeued", waitedMs: 0 },
        { outcome: "requeued", waitedMs: 400 },
      ],
      ended: { user: "ann", status: 200 },
    });
  });

  it("tells of a request that was refused, which nobody routed, why", () => {
    const { board, end } = createBoard();
    end("r", { status: 429, attempts: 0, code: "limit-exceeded", detail: "The user's limit ..." });
    expect(board.receipt("r")).toMatchObject({
      requestId: "r",
      ended: { status: 429, code: "limit-exceeded", detail: "The user's limit ..." },
    });
  });

  it("shows the latest first, and of what was told twice the latest alone", async () => {
    const { board, clock, end } = createBoard();
    end("job", { kind: "accepted", status: 202 });
    end("other", { tokens: { inputTokens: 3, outputTokens: 4 } });
    await clock.advance(1000);
    end("job", { kind: "job", status: 200 });
    expect(board.status().recent).toMatchObject([
      { requestId: "job", status: 200, endedAt: new Date(clock.now()).toISOString() },
      { requestId: "other", tokens: 7, endedAt: new Date(clock.now() - 1000).toISOString() },
    ]);
  });
});
