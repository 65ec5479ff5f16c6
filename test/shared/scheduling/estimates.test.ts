import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairScheduler, type FairSchedulerOptions } from "../../../shared/scheduling/index.ts";
import { FairHouse, names } from "./fair-house.ts";

/** A house that has measured services of one second. */
async function measuredHouse(options: Partial<FairSchedulerOptions> = {}): Promise<FairHouse> {
  const house = new FairHouse(options);
  for (const name of names("measured", 4)) {
    await house.send(name);
    await house.clock.advance(1_000);
    await house.end(name);
  }
  return house;
}

describe("estimates", () => {
  it("refuse nothing before anything was measured", async () => {
    const house = new FairHouse();
    await house.sendAll(names("r", 50));
    expect(house.scheduler.canMeet({ priority: 2, deadlineAt: house.clock.now() + 1 })).toEqual({
      refused: false,
      position: 50,
      estimatedWaitMs: undefined,
    });
  });

  it("say that a free slot needs no wait", async () => {
    const house = await measuredHouse();
    expect(house.scheduler.canMeet({ priority: 2, deadlineAt: 0 })).toEqual({
      refused: false,
      position: 0,
      estimatedWaitMs: 0,
    });
  });

  it("are never below zero, though the clock was set back", async () => {
    let nowMs = 1_000_000;
    const clock = { now: () => nowMs, schedule: () => () => {} };
    const scheduler = new FairScheduler({ capacity: 1, clock });
    const { signal } = new AbortController();
    const ask = () => scheduler.acquire({ priority: 1, signal, isLimited: true });
    const waits = [ask(), ask(), ask(), ask()];
    for (const wait of waits.slice(0, 3)) {
      const slot = await wait;
      nowMs -= 50_000;
      slot.release();
    }
    expect(scheduler.estimateWaitMs({ priority: 1 })).toBeGreaterThanOrEqual(0);
  });

  it("count the user's own backlog, not that of others", async () => {
    const house = await measuredHouse();
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("u", 9), { userId: "U" });
    expect(house.scheduler.estimateWaitMs({ priority: 2, userId: "U" })).toBeCloseTo(10_000);
    expect(house.scheduler.estimateWaitMs({ priority: 2, userId: "V" })).toBeCloseTo(2_000);
    expect(house.scheduler.position({ priority: 2, userId: "V" })).toBe(2);
  });

  it("count a group's backlog against its members", async () => {
    const house = await measuredHouse();
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("u", 9), { userId: "U", groupId: "G" });
    await house.sendAll(names("w", 9), { userId: "W" });
    const newcomer = { priority: 2, userId: "N" };
    expect(house.scheduler.position({ ...newcomer, groupId: "G" })).toBe(4);
    expect(house.scheduler.position({ ...newcomer, groupId: "H" })).toBe(3);
  });

  it("put more urgent work first, as far as the trickle lets it", async () => {
    const house = await measuredHouse();
    await house.send("blocker");
    await house.sendAll(names("hi", 5), { priority: 1 });
    // Five that came within half a minute: a sixth of the slot's time may go to their like.
    expect(house.scheduler.estimateWaitMs({ priority: 2 })).toBeCloseTo(6_000 / (1 - 1 / 6));
    await house.sendAll(names("more", 30), { priority: 1 });
    expect(house.scheduler.estimateWaitMs({ priority: 2 })).toBeCloseTo(10_000);
    expect(house.scheduler.position({ priority: 2 })).toBe(10);
  });

  it("leave out the slots that are kept from a class", async () => {
    const house = await measuredHouse({ capacity: 2, reservations: new Map([[1, 1]]) });
    await house.sendAll(["a", "b"]);
    const low = house.scheduler.estimateWaitMs({ priority: 2 });
    expect(low).toBeCloseTo(2_000);
    expect(house.scheduler.estimateWaitMs({ priority: 1 })).toBe(0);
  });

  it("refuse early with the time after which the queue will do", async () => {
    const house = await measuredHouse();
    await house.sendAll(names("r", 10));
    const outlook = (ttlMs: number) =>
      house.scheduler.canMeet({ priority: 2, deadlineAt: house.clock.now() + ttlMs });
    expect(outlook(4_000)).toEqual({ refused: true, retryAfterMs: 6_000, estimatedWaitMs: 10_000 });
    expect(outlook(10_000)).toEqual({ refused: false, position: 10, estimatedWaitMs: 10_000 });
  });

  it("come true when services take what they took", async () => {
    const house = await measuredHouse({ capacity: 2 });
    await house.sendAll(names("r", 12));
    const estimatedMs = house.scheduler.estimateWaitMs({ priority: 2 });
    await house.send("last");
    while (house.running.length > 0) {
      await house.clock.advance(1_000);
      for (const name of house.running) if (name !== "last") await house.end(name);
      if (house.running.includes("last")) break;
    }
    expect(house.slot("last").waitedMs).toBe(6_000);
    expect(estimatedMs).toBeCloseTo(5_500);
  });

  it("grow while nothing moves", async () => {
    const house = await measuredHouse();
    await house.sendAll(names("r", 3));
    await house.end("r1");
    const before = house.scheduler.estimateWaitMs({ priority: 2 }) ?? Number.NaN;
    await house.clock.advance(600_000);
    const after = house.scheduler.estimateWaitMs({ priority: 2 }) ?? Number.NaN;
    expect(after).toBeGreaterThan(10 * before);
  });

  it("do not grow while nobody waits", async () => {
    const house = await measuredHouse();
    const caller = new AbortController();
    await house.sendAll(["a", "b"]);
    await house.send("leaver", { signal: caller.signal });
    await house.end("a");
    caller.abort(new Error("left"));
    const before = house.scheduler.estimateWaitMs({ priority: 2 });
    await house.clock.advance(600_000);
    expect(house.scheduler.estimateWaitMs({ priority: 2 })).toBe(before);
  });

  it("halve when the slots are doubled", async () => {
    const house = await measuredHouse();
    await house.sendAll(names("r", 4));
    await house.clock.advance(1_000);
    await house.end("r1");
    await house.clock.advance(1_000);
    await house.end("r2");
    expect(house.scheduler.snapshot().grantIntervalMs).toBeCloseTo(1_000);
    house.scheduler.resize(2);
    expect(house.scheduler.snapshot().grantIntervalMs).toBeCloseTo(500);
  });

  it("never fall when somebody else comes, and rise with one's own requests", async () => {
    const arrivals = fc.array(fc.record({ priority: fc.constantFrom(1, 2, 3), user: fc.nat(3) }), {
      minLength: 2,
      maxLength: 25,
    });
    const watched = fc.record({ priority: fc.constantFrom(1, 2, 3), user: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(arrivals, watched, async (all, { priority, user }) => {
        const house = await measuredHouse();
        await house.send("blocker", { userId: "other", isLimited: false });
        const request = { priority, userId: `u${user}` };
        let before = house.scheduler.estimateWaitMs(request) ?? Number.NaN;
        for (const [index, one] of all.entries()) {
          const isOwn = one.priority === priority && one.user === user;
          await house.send(`r${index}`, { priority: one.priority, userId: `u${one.user}` });
          const after = house.scheduler.estimateWaitMs(request) ?? Number.NaN;
          expect(after).toBeGreaterThanOrEqual(isOwn ? before + 1 : before);
          before = after;
        }
      }),
      { numRuns: 25, interruptAfterTimeLimit: 8_000 },
    );
  });
});
