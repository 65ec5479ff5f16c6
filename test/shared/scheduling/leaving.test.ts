import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../shared/core/errors.ts";
import { FairHouse, names } from "./fair-house.ts";

describe("leaving the queue", () => {
  it("rejects with the signal's reason, at once, and lets the others go on", async () => {
    const house = new FairHouse();
    const caller = new AbortController();
    const left = new Error("left");
    await house.send("blocker");
    await house.send("leaver", { signal: caller.signal });
    await house.send("stayer");
    caller.abort(left);
    await house.clock.advance(0);
    expect(house.failure("leaver")).toBe(left);
    expect(house.scheduler.waiting).toBe(1);
    await house.drain();
    expect(house.started).toEqual(["blocker", "stayer"]);
  });

  it("lets start who stood behind one that was held back for users within their share", async () => {
    const house = new FairHouse({ capacity: 6, headroom: 1 / 3 });
    const caller = new AbortController();
    const heavy = { priority: 1, userId: "heavy", signal: caller.signal };
    await house.sendAll(names("heavy", 20), heavy);
    for (let round = 1; round <= 20 && house.running.length === 6; round++) {
      await house.send(`light${round}`, { priority: 1, userId: "light" });
      await house.clock.advance(50);
      for (const name of house.running) if (name.startsWith("light")) await house.end(name);
      const [oldest = ""] = house.running;
      await house.end(oldest);
      await house.send(`heavy again ${round}`, heavy);
    }
    expect(house.running).toHaveLength(5);
    await house.send("background", { priority: 2, userId: "other" });
    expect(house.running).not.toContain("background");
    caller.abort(new Error("left"));
    await house.clock.advance(0);
    expect(house.running).toContain("background");
    expect(house.scheduler.waiting).toBe(0);
  });

  it("leaves no listener behind", async () => {
    const house = new FairHouse();
    const { signal } = new AbortController();
    await house.sendAll(["blocker", "waiter"], { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await house.drain();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("gives no slot to someone whose signal has told another first", async () => {
    const house = new FairHouse();
    const caller = new AbortController();
    await house.send("holder");
    caller.signal.addEventListener("abort", () => house.slot("holder").release());
    await house.send("waiter", { signal: caller.signal });
    caller.abort(new Error("both leave"));
    await house.clock.advance(0);
    expect(house.started).toEqual(["holder"]);
    expect(house.failure("waiter")).toEqual(new Error("both leave"));
    expect(house.scheduler).toMatchObject({ running: 0, waiting: 0 });
  });

  it("gives no slot after the deadline, even when the signal is late", async () => {
    const house = new FairHouse();
    await house.send("blocker");
    await house.send("late", { expiresAt: house.clock.now() + 100 });
    await house.send("patient");
    await house.clock.advance(100);
    await house.drain();
    expect(house.failure("late")).toMatchObject({ code: "ttl-expired" });
    expect(house.started).toEqual(["blocker", "patient"]);
  });

  it("does not let in who comes too late or has left already", async () => {
    const house = new FairHouse();
    await house.send("late", { expiresAt: house.clock.now() });
    await house.send("gone", { signal: AbortSignal.abort(new Error("gone")) });
    expect(house.failure("late")).toMatchObject({ code: "ttl-expired" });
    expect(house.failure("gone")).toEqual(new Error("gone"));
  });
});

describe("the queue's limit", () => {
  it("refuses only those who would have to wait (V02)", async () => {
    const house = new FairHouse({ maxQueueLength: 2 });
    await house.sendAll(["blocker", "a", "b", "c"]);
    expect(house.failure("c")).toBeInstanceOf(GatewayError);
    expect(house.failure("c")).toMatchObject({ code: "queue-full" });
    await house.drain();
    expect(house.started).toEqual(["blocker", "a", "b"]);
  });

  it("does not hold for work that was accepted elsewhere", async () => {
    const house = new FairHouse({ maxQueueLength: 0 });
    await house.sendAll(["blocker", "accepted"], { isLimited: false });
    await house.drain();
    expect(house.started).toEqual(["blocker", "accepted"]);
  });

  it("tells from what was measured when to come again", async () => {
    const house = new FairHouse({ maxQueueLength: 4 });
    for (const name of names("measured", 3)) {
      await house.send(name);
      await house.clock.advance(6_000);
      await house.end(name);
    }
    await house.sendAll([...names("r", 5), "refused"]);
    expect(house.failure("refused")).toMatchObject({ retryAfterMs: 30_000 });
  });

  it("tells without measurements what the running work is known to take", async () => {
    const house = new FairHouse({ maxQueueLength: 0 });
    await house.send("blocker");
    await house.send("early");
    await house.clock.advance(7_000);
    await house.send("later");
    await house.clock.advance(3_600_000);
    await house.send("much later");
    expect(["early", "later", "much later"].map((name) => house.failure(name))).toEqual([
      expect.objectContaining({ retryAfterMs: 1_000 }),
      expect.objectContaining({ retryAfterMs: 7_000 }),
      expect.objectContaining({ retryAfterMs: 120_000 }),
    ]);
  });
});
