import { describe, expect, it } from "vitest";
import { readApplicationProperties } from "../../../local/broker/amqp/application-properties.ts";
import { types } from "../../../local/broker/amqp/rhea.ts";
import { message, settle, TestConsumer, testQueue } from "./memory-store.ts";

const LOCK_MS = 60_000;
const abandon = { kind: "abandon", properties: [] } as const;

describe("a queue", () => {
  it("delivers in the order of acceptance, only after the commit", async () => {
    const { queue } = testQueue();
    const consumer = new TestConsumer();
    queue.addConsumer(consumer);
    for (let count = 0; count < 3; count++) queue.accept(message());
    expect(consumer.deliveries).toEqual([]);
    await settle();
    expect(consumer.sequenceNumbers).toEqual([1, 2, 3]);
  });

  it("shares messages among consumers in turn, as far as their credit goes", async () => {
    const { queue } = testQueue();
    const [poor, rich] = [new TestConsumer(1), new TestConsumer(10)];
    queue.addConsumer(poor);
    queue.addConsumer(rich);
    for (let count = 0; count < 5; count++) queue.accept(message());
    await settle();
    expect([poor.sequenceNumbers, rich.sequenceNumbers]).toEqual([[1], [2, 3, 4, 5]]);
  });

  it("puts an abandoned message back in its place", async () => {
    const { queue } = testQueue();
    const consumer = new TestConsumer(1);
    queue.addConsumer(consumer);
    for (let count = 0; count < 3; count++) queue.accept(message());
    await settle();
    queue.settlement.settle(consumer.lock, abandon);
    consumer.credit = 2;
    await settle();
    expect(consumer.sequenceNumbers).toEqual([1, 1, 2]);
    expect(consumer.deliveries.map(({ broker }) => broker.deliveryCount)).toEqual([0, 1, 0]);
  });

  it("counts an expired lock as a delivery, but not a release", async () => {
    const { queue, clock } = testQueue();
    const consumer = new TestConsumer();
    queue.addConsumer(consumer);
    queue.accept(message());
    await settle();
    queue.settlement.settle(consumer.lock, { kind: "release" });
    await clock.advance(LOCK_MS);
    expect(consumer.deliveries.map(({ broker }) => broker.deliveryCount)).toEqual([0, 0, 1]);
  });

  it("moves locks that are renewed behind those that are not", async () => {
    const { queue, clock } = testQueue();
    const consumer = new TestConsumer();
    queue.addConsumer(consumer);
    queue.accept(message());
    queue.accept(message());
    await settle();
    const first = consumer.deliveries[0]?.lock ?? expect.fail("no lock");
    await clock.advance(LOCK_MS / 2);
    expect(queue.settlement.renew(first)).toBe(clock.now() + LOCK_MS);
    await clock.advance(LOCK_MS / 2);
    expect(consumer.sequenceNumbers).toEqual([1, 2, 2]);
    queue.settlement.settle(first, { kind: "complete" });
    expect(queue.counts.active).toBe(1);
  });

  it("refuses to settle what is not locked any more, whether or not the alarm has rung", async () => {
    const { queue, clock } = testQueue();
    const consumer = new TestConsumer(1);
    queue.addConsumer(consumer);
    queue.accept(message());
    await settle();
    const { lock } = consumer;
    queue.settlement.settle(lock, { kind: "complete" });
    expect(() => queue.settlement.settle(lock, { kind: "complete" })).toThrow(/lock/);
    expect(() => queue.settlement.find("unknown")).toThrow(/lock/);
    await clock.advance(1);
  });

  it("dead-letters after the last allowed delivery, with the number it had", async () => {
    const { queue, deadLetterQueue } = testQueue({ maxDeliveryCount: 2 });
    const consumer = new TestConsumer();
    queue.addConsumer(consumer);
    queue.accept(message({ messageId: "poison" }));
    await settle();
    queue.settlement.settle(consumer.lock, abandon);
    await settle();
    queue.settlement.settle(consumer.lock, abandon);
    await settle();
    expect([queue.counts.active, deadLetterQueue.counts.active]).toEqual([0, 1]);
    const [dead] = deadLetterQueue.peek({ from: 0, limit: 1 });
    expect(dead?.broker).toMatchObject({ enqueueSequenceNumber: 1, deadLetterSource: "q" });
    const properties = readApplicationProperties(dead?.content.tail ?? Buffer.alloc(0));
    expect(properties.get("DeadLetterReason")).toBe("MaxDeliveryCountExceeded");
  });

  it("does not dead-letter within a dead-letter queue", async () => {
    const { queue, deadLetterQueue } = testQueue({ maxDeliveryCount: 1 });
    const consumer = new TestConsumer();
    queue.addConsumer(consumer);
    queue.accept(message());
    await settle();
    queue.settlement.settle(consumer.lock, abandon);
    const reader = new TestConsumer();
    deadLetterQueue.addConsumer(reader);
    await settle();
    for (let attempt = 0; attempt < 20; attempt++) {
      deadLetterQueue.settlement.settle(reader.lock, abandon);
      await settle();
    }
    expect(deadLetterQueue.counts.active).toBe(1);
    const again = { kind: "deadLetter", why: { reason: "again" } } as const;
    expect(() => deadLetterQueue.settlement.settle(reader.lock, again)).toThrow(/cannot be/);
    deadLetterQueue.settlement.settle(reader.lock, { kind: "complete" });
    expect(deadLetterQueue.counts.active).toBe(0);
  });

  it("expires a message on time, wherever it waits, but not while it is locked", async () => {
    const { queue, clock } = testQueue();
    queue.accept(message({ ttlMs: 1_000 }));
    queue.accept(message({ ttlMs: 5_000 }));
    await clock.advance(999);
    expect(queue.counts.active).toBe(2);
    await clock.advance(1);
    expect(queue.counts.active).toBe(1);
    const consumer = new TestConsumer(1);
    queue.addConsumer(consumer);
    await clock.advance(10_000);
    expect(queue.counts.active).toBe(1);
    queue.settlement.settle(consumer.lock, { kind: "release" });
    await settle();
    expect([queue.counts.active, queue.usedBytes]).toEqual([0, 0]);
  });

  it("keeps deferred messages beyond their time to live", async () => {
    const { queue, clock } = testQueue();
    const consumer = new TestConsumer(1);
    queue.addConsumer(consumer);
    queue.accept(message({ ttlMs: 1_000 }));
    await settle();
    queue.settlement.settle(consumer.lock, { kind: "defer", properties: [] });
    await clock.advance(60_000);
    const [deferred] = queue.receiveDeferred([1], { settleMode: "peekLock" });
    expect(deferred?.lock).toBeDefined();
    expect(() => queue.receiveDeferred([1], { settleMode: "peekLock" })).toThrow(/locked/);
    await clock.advance(LOCK_MS);
    expect(queue.counts.deferred).toBe(1);
    expect(queue.receiveDeferred([1], { settleMode: "receiveAndDelete" })).toHaveLength(1);
    expect(queue.counts.deferred).toBe(0);
  });

  it("starts the time to live of a scheduled message when it is due", async () => {
    const { queue, clock } = testQueue();
    queue.accept(message({ scheduledAt: clock.now() + 10_000, ttlMs: 1_000 }));
    await clock.advance(10_000);
    expect(queue.counts).toEqual({ active: 1, deferred: 0, scheduled: 0 });
    await clock.advance(1_000);
    expect(queue.counts.active).toBe(0);
  });

  it("remembers message ids for their window, and not longer", async () => {
    const { queue, clock } = testQueue({
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindowMs: 1_000,
    });
    expect(queue.accept(message({ messageId: "a" }))).toBe(1);
    expect(queue.accept(message({ messageId: "a" }))).toBeUndefined();
    await clock.advance(999);
    expect(queue.accept(message({ messageId: "a" }))).toBeUndefined();
    await clock.advance(1);
    expect(queue.accept(message({ messageId: "a" }))).toBe(2);
  });

  it("sets properties without touching others, and takes a message out of quota when it goes", async () => {
    const { queue } = testQueue();
    const consumer = new TestConsumer();
    queue.addConsumer(consumer);
    queue.accept(message({ body: "kept" }));
    await settle();
    const properties = [["tries", types.wrap_long(1)]] as const;
    queue.settlement.settle(consumer.lock, { kind: "abandon", properties });
    await settle();
    const { content } = consumer.deliveries[1] ?? expect.fail("no delivery");
    expect([...readApplicationProperties(content.tail)]).toEqual([["tries", 1]]);
    expect(content.tail.toString("latin1")).toContain("kept");
    queue.settlement.settle(consumer.lock, { kind: "complete" });
    expect(queue.usedBytes).toBe(0);
  });

  it("leaves no timer behind when it is closed", async () => {
    const { queue, clock } = testQueue();
    queue.accept(message({ ttlMs: 1_000 }));
    await settle();
    expect(clock.pending).toBe(1);
    queue.close();
    expect(clock.pending).toBe(0);
  });
});
