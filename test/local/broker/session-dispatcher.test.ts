import { describe, expect, it } from "vitest";
import type { SessionLock } from "../../../local/broker/entity/session-lock.ts";
import { message, settle, TestConsumer, testQueue } from "./memory-store.ts";

const LOCK_MS = 60_000;

function sessionQueue() {
  const parts = testQueue({ requiresSession: true, maxDeliveryCount: 3 });
  const { sessions } = parts.queue;
  if (!sessions) throw new Error("The queue has no sessions.");
  const accept = (sessionId: string, consumer = new TestConsumer()) => {
    const lock = sessions.acceptNamed(sessionId, consumer);
    if (lock) sessions.pumpHeld(lock);
    parts.queue.pump();
    return { lock, consumer };
  };
  return { ...parts, sessions, accept };
}

describe("the sessions of a queue", () => {
  it("keeps the order within a session, whoever else sends", async () => {
    const { queue, accept } = sessionQueue();
    for (const sessionId of ["a", "b", "a", "b", "a"]) queue.accept(message({ sessionId }));
    await settle();
    const { consumer } = accept("a");
    expect(consumer.sequenceNumbers).toEqual([1, 3, 5]);
    queue.accept(message({ sessionId: "a" }));
    await settle();
    expect(consumer.sequenceNumbers).toEqual([1, 3, 5, 6]);
  });

  it("gives an abandoned message again before what follows it", async () => {
    const { queue, accept } = sessionQueue();
    queue.accept(message({ sessionId: "a" }));
    queue.accept(message({ sessionId: "a" }));
    await settle();
    const { consumer } = accept("a", new TestConsumer(1));
    queue.settlement.settle(consumer.lock, { kind: "abandon", properties: [] });
    consumer.credit = 2;
    await settle();
    expect(consumer.sequenceNumbers).toEqual([1, 1, 2]);
  });

  it("serves who waits for the next session in the order they came", async () => {
    const { queue, sessions } = sessionQueue();
    const granted: string[] = [];
    const wait = (who: string) =>
      sessions.acceptNext(new TestConsumer(), ({ sessionId }) => granted.push(who + sessionId));
    wait("first:");
    const cancelled = wait("cancelled:");
    wait("second:");
    cancelled();
    queue.accept(message({ sessionId: "a" }));
    queue.accept(message({ sessionId: "a" }));
    await settle();
    expect(granted).toEqual(["first:a"]);
    queue.accept(message({ sessionId: "b" }));
    await settle();
    expect(granted).toEqual(["first:a", "second:b"]);
  });

  it("gives a session with messages to who waits, once its holder lets go", async () => {
    const { queue, sessions, accept } = sessionQueue();
    queue.accept(message({ sessionId: "a" }));
    await settle();
    const { lock } = accept("a", new TestConsumer(0));
    const next = new TestConsumer();
    let granted: SessionLock | undefined;
    sessions.acceptNext(next, (newLock) => {
      granted = newLock;
    });
    expect(granted).toBeUndefined();
    sessions.release(lock ?? expect.fail("no lock"));
    await settle();
    expect(granted?.sessionId).toBe("a");
  });

  it("passes over sessions whose messages have all expired", async () => {
    const { queue, clock, sessions } = sessionQueue();
    queue.accept(message({ sessionId: "old", ttlMs: 1_000 }));
    await clock.advance(1_000);
    const granted: string[] = [];
    sessions.acceptNext(new TestConsumer(), ({ sessionId }) => granted.push(sessionId));
    queue.accept(message({ sessionId: "new" }));
    await settle();
    expect(granted).toEqual(["new"]);
    expect(sessions.ids()).toEqual(["new"]);
  });

  it("loses a session with its lock, and counts the deliveries that failed with it", async () => {
    const { queue, clock, accept, deadLetterQueue } = sessionQueue();
    queue.accept(message({ sessionId: "a" }));
    await settle();
    for (let attempt = 0; attempt < 3; attempt++) {
      const { consumer } = accept("a");
      expect(consumer.deliveries.map(({ broker }) => broker.deliveryCount)).toEqual([attempt]);
      const { lock } = consumer;
      await clock.advance(LOCK_MS);
      expect(() => queue.settlement.settle(lock, { kind: "complete" })).toThrow(/session 'a'/);
    }
    expect([queue.counts.active, deadLetterQueue.counts.active]).toEqual([0, 1]);
  });

  it("forgets sessions that hold neither message nor lock", async () => {
    const { queue, sessions, accept } = sessionQueue();
    queue.accept(message({ sessionId: "a" }));
    await settle();
    const { lock, consumer } = accept("a");
    queue.settlement.settle(consumer.lock, { kind: "complete" });
    expect(sessions.ids()).toEqual(["a"]);
    sessions.release(lock ?? expect.fail("no lock"));
    await settle();
    expect(sessions.ids()).toEqual([]);
  });
});
