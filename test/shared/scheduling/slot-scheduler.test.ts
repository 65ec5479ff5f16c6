import { describe, expect, it } from "vitest";
import { type Slot, SlotScheduler } from "../../../shared/scheduling/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { listenerCount } from "../../support/listener-count.ts";

const { signal: never } = new AbortController();

function ask(
  slots: SlotScheduler,
  {
    priority = 2,
    signal = never,
    isLimited = true,
  }: Partial<Parameters<typeof slots.acquire>[0]> = {},
): Promise<Slot> {
  return slots.acquire({ priority, signal, isLimited });
}

/** A scheduler with one slot, taken, and the name of everybody who is served after it. */
function busyScheduler(maxQueueLength = 10) {
  const slots = new SlotScheduler({ capacity: 1, maxQueueLength });
  const held = slots.tryAcquire(1);
  const served: string[] = [];
  const queue = (name: string, priority: number): void => {
    void ask(slots, { priority }).then((slot) => {
      served.push(name);
      slot.release();
    });
  };
  return { slots, held, served, queue };
}

describe("SlotScheduler", () => {
  it("grants what is free at once, up to its capacity", async () => {
    const slots = new SlotScheduler({ capacity: 2, maxQueueLength: 0 });
    await ask(slots);
    await ask(slots);
    expect([slots.running, slots.waiting]).toEqual([2, 0]);
    expect(slots.tryAcquire(1)).toBeUndefined();
  });

  it("serves the most urgent first, and within a class whoever came first", async () => {
    const { held, served, queue } = busyScheduler();
    queue("c1", 3);
    queue("b1", 2);
    queue("a1", 1);
    queue("b2", 2);
    queue("a2", 1);
    held?.release();
    await settle();
    expect(served).toEqual(["a1", "a2", "b1", "b2", "c1"]);
  });

  it("refuses those beyond the queue's limit, and says when to come again", async () => {
    const { slots, queue } = busyScheduler(1);
    queue("waits", 2);
    await expect(ask(slots, { priority: 1 })).rejects.toMatchObject({
      code: "queue-full",
      retryAfterMs: 1000,
    });
    expect(slots.waiting).toBe(1);
  });

  it("lets work in that was accepted elsewhere, however long the queue", async () => {
    const { slots, held, queue } = busyScheduler(1);
    queue("waits", 2);
    const accepted = ask(slots, { isLimited: false });
    expect(slots.waiting).toBe(2);
    held?.release();
    await expect(accepted).resolves.toBeDefined();
  });

  it("lets those leave who wait no longer, with their own reason", async () => {
    const { slots, held, served, queue } = busyScheduler();
    const leaving = new AbortController();
    const left = ask(slots, { priority: 1, signal: leaving.signal });
    queue("stays", 2);
    leaving.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    expect(slots.waiting).toBe(1);
    held?.release();
    await settle();
    expect(served).toEqual(["stays"]);
    expect(slots.running).toBe(0);
  });

  it("grants nothing to those who have left before they ask", async () => {
    const slots = new SlotScheduler({ capacity: 1, maxQueueLength: 1 });
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(ask(slots, { signal })).rejects.toThrow("gone");
    expect([slots.running, slots.waiting]).toEqual([0, 0]);
  });

  it("leaves no listener behind on the signals of those it served", async () => {
    const { slots, held } = busyScheduler();
    const { signal } = new AbortController();
    const waiting = ask(slots, { signal });
    expect(listenerCount(signal)).toBe(1);
    held?.release();
    (await waiting).release();
    expect(listenerCount(signal)).toBe(0);
  });

  it("takes a slot back once, however often it is released", () => {
    const slots = new SlotScheduler({ capacity: 1, maxQueueLength: 0 });
    const first = slots.tryAcquire(1);
    first?.release();
    const second = slots.tryAcquire(1);
    first?.release();
    expect(second).toBeDefined();
    expect(slots.running).toBe(1);
    expect(slots.tryAcquire(1)).toBeUndefined();
  });
});
