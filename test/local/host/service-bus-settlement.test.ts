import { describe, expect, it } from "vitest";
import { startLockRenewal } from "../../../local/host/service-bus/lock-renewal.ts";
import { MessageBatcher } from "../../../local/host/service-bus/message-batcher.ts";
import {
  type Settlement,
  SettlementLane,
} from "../../../local/host/service-bus/settlement-lane.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const SECOND = 1000;

describe("settlements", () => {
  it("of different kinds never share a turn of the event loop, and keep their order", async () => {
    const lane = new SettlementLane();
    let turn = 0;
    const log: string[] = [];
    const send = (settlement: Settlement, id: string) =>
      lane.settle(settlement, async () => void log.push(`${turn} ${settlement} ${id}`));
    const tick = (): void => {
      turn += 1;
      if (log.length < 5) setImmediate(tick);
    };
    setImmediate(tick);
    await Promise.all([
      send("complete", "1"),
      send("complete", "2"),
      send("abandon", "3"),
      send("complete", "4"),
      send("complete", "5"),
    ]);
    expect(log.map((line) => line.slice(2))).toEqual([
      "complete 1",
      "complete 2",
      "abandon 3",
      "complete 4",
      "complete 5",
    ]);
    const turns = log.map((line) => line[0]);
    expect(turns[0]).toBe(turns[1]);
    expect(new Set([turns[0], turns[2], turns[3]]).size).toBe(3);
    expect(turns[3]).toBe(turns[4]);
  });

  it("report their own failure only", async () => {
    const lane = new SettlementLane();
    const outcomes = await Promise.allSettled([
      lane.settle("complete", () => Promise.reject(new Error("lost"))),
      lane.settle("complete", async () => {}),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });
});

describe("a lock that is kept", () => {
  it("is tried again while it lasts, and reported once when it is lost", async () => {
    const clock = new FakeClock();
    let attempts = 0;
    const lost: unknown[] = [];
    startLockRenewal({
      clock,
      lockedUntilAt: clock.now() + 8 * SECOND,
      maxDurationMs: 60 * SECOND,
      renew: async () => {
        attempts += 1;
        throw new Error("broker is gone");
      },
      onLost: (error) => lost.push(error),
    });
    await clock.advance(60 * SECOND);
    expect(attempts).toBeGreaterThan(3);
    expect(lost).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

describe("a batcher", () => {
  it("waits for the smallest batch, but not longer than it may", async () => {
    const clock = new FakeClock();
    const batches: number[][] = [];
    const batcher = new MessageBatcher<number>({
      clock,
      maxSize: 3,
      minSize: 2,
      maxWaitMs: SECOND,
      run: async (batch) => void batches.push([...batch]),
    });
    const all = [batcher.add(1)];
    await clock.advance(SECOND - 1);
    expect(batches).toEqual([]);
    await clock.advance(1);
    expect(batches).toEqual([[1]]);
    all.push(...[2, 3, 4, 5, 6].map((message) => batcher.add(message)));
    await clock.advance(SECOND);
    await Promise.all(all);
    expect(batches).toEqual([[1], [2, 3, 4], [5, 6]]);
    expect(clock.pending).toBe(0);
  });
});
