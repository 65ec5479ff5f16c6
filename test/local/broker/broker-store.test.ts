import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BODY_CACHE_BYTES } from "../../../local/broker/limits.ts";
import { BrokerStore } from "../../../local/broker/store/broker-store.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeQueue, message, settle, TestConsumer } from "./memory-store.ts";

describe("the broker's store", () => {
  let dataDir: string;
  let store: BrokerStore;
  const clock = new FakeClock();

  const open = () => {
    store = new BrokerStore(dataDir, (error) => {
      throw error;
    });
  };
  const reopen = () => {
    store.close();
    open();
  };

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), "broker-store-"));
    open();
  });

  afterEach(() => {
    store.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it("gives an entity back what it held: order, states, counts and sequence numbers", async () => {
    const first = makeQueue({ store, clock });
    const consumer = new TestConsumer();
    first.queue.addConsumer(consumer);
    const later = clock.now() + 3_600_000;
    for (const body of ["done", "deferred", "locked", "abandoned"]) {
      first.queue.accept(message({ body }));
    }
    first.queue.accept(message({ body: "scheduled", scheduledAt: later }));
    await settle();
    const [done, deferred, , abandoned] = consumer.deliveries.map(({ lock }) => lock);
    if (!done || !deferred || !abandoned) return expect.fail("three locks");
    consumer.credit = 0;
    first.queue.settlement.settle(done, { kind: "complete" });
    first.queue.settlement.settle(deferred, { kind: "defer", properties: [] });
    first.queue.settlement.settle(abandoned, { kind: "abandon", properties: [] });
    const before = { counts: first.queue.counts, usedBytes: first.queue.usedBytes };
    first.queue.close();
    reopen();
    const { queue } = makeQueue({ store, clock });
    expect({ counts: queue.counts, usedBytes: queue.usedBytes }).toEqual(before);
    const again = new TestConsumer();
    queue.addConsumer(again);
    expect(
      again.deliveries.map(({ broker }) => [broker.sequenceNumber, broker.deliveryCount]),
    ).toEqual([
      [3, 0],
      [4, 1],
    ]);
    expect(again.deliveries[0]?.content.tail.toString("latin1")).toContain("locked");
    expect(queue.accept(message())).toBe(6);
    queue.close();
  });

  it("never gives a sequence number twice, though its message is long gone", async () => {
    const first = makeQueue({ store, clock });
    const consumer = new TestConsumer(1, "receiveAndDelete");
    first.queue.addConsumer(consumer);
    expect(first.queue.accept(message())).toBe(1);
    await settle();
    await settle();
    expect(first.queue.counts.active).toBe(0);
    reopen();
    expect(makeQueue({ store, clock }).queue.accept(message())).toBe(2);
  });

  it("runs what waits for a commit after it, in order, and at most once", async () => {
    const order: string[] = [];
    const { queue } = makeQueue({ store, clock });
    queue.accept(message());
    store.afterCommit(() => {
      order.push("first");
      store.afterCommit(() => order.push("third"));
    });
    store.afterCommit(() => order.push("second"));
    expect(order).toEqual([]);
    await settle();
    await settle();
    store.flush();
    expect(order).toEqual(["first", "second", "third"]);
  });

  it("stops, and acknowledges nothing, when it cannot write", async () => {
    const failures: unknown[] = [];
    const failing = new BrokerStore(":memory:", (error) => failures.push(error));
    const { queue } = makeQueue({ store: failing, clock });
    failing.flush();
    let acknowledged = false;
    queue.accept(message());
    failing.afterCommit(() => {
      acknowledged = true;
    });
    const full = () => {
      throw new Error("disk full");
    };
    expect(() => failing.change(full)).toThrow("disk full");
    await settle();
    expect(failures).toHaveLength(1);
    expect(acknowledged).toBe(false);
  });

  it("keeps bodies in memory only up to its bound, and reads the rest when it is needed", async () => {
    const { queue } = makeQueue({ store, clock, definition: { maxSizeInMegabytes: 1_024 } });
    const body = "x".repeat(1_000_000);
    for (let count = 0; count < 70; count++) queue.accept(message({ body: `${count}:${body}` }));
    await settle();
    expect(store.cachedBytes).toBeGreaterThan(60_000_000);
    expect(store.cachedBytes).toBeLessThanOrEqual(BODY_CACHE_BYTES);
    const consumer = new TestConsumer(70, "receiveAndDelete");
    queue.addConsumer(consumer);
    await settle();
    await settle();
    expect(consumer.deliveries).toHaveLength(70);
    expect(store.cachedBytes).toBe(0);
    expect(consumer.deliveries[69]?.content.tail.toString("latin1")).toContain("69:xxx");
  });
});
