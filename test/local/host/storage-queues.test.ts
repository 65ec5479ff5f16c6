import { describe, expect, it } from "vitest";
import {
  decodeMessage,
  encodeMessage,
} from "../../../local/host/storage-queues/message-encoding.ts";
import { queueMetadata } from "../../../local/host/storage-queues/queue-metadata.ts";
import { toBodies } from "../../../local/host/storage-queues/queue-output.ts";
import type {
  QueueMessage,
  StorageQueue,
} from "../../../local/host/storage-queues/storage-queue.ts";
import {
  StorageQueueListener,
  type StorageQueueListenerOptions,
} from "../../../local/host/storage-queues/storage-queue-listener.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";

const MINUTE = 60_000;

/** A storage queue in memory, whose messages are hidden and counted as the real one does it. */
class FakeQueue implements StorageQueue {
  readonly #clock: FakeClock;
  readonly messages: (QueueMessage & { dequeueCount: number; visibleAt: number })[] = [];
  readonly log: string[] = [];
  polls = 0;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async receive(maxMessages: number, visibilityTimeoutMs: number): Promise<QueueMessage[]> {
    this.polls += 1;
    const now = this.#clock.now();
    const due = this.messages.filter(({ visibleAt }) => visibleAt <= now).slice(0, maxMessages);
    for (const message of due) {
      message.dequeueCount += 1;
      message.visibleAt = now + visibilityTimeoutMs;
    }
    return due.map((message) => ({ ...message }));
  }
  async hide({ messageId }: QueueMessage, visibilityTimeoutMs: number): Promise<string> {
    this.log.push(`hide ${messageId} ${visibilityTimeoutMs}`);
    const message = this.messages.find((entry) => entry.messageId === messageId);
    if (message) message.visibleAt = this.#clock.now() + visibilityTimeoutMs;
    return "renewed";
  }
  async delete({ messageId, popReceipt }: QueueMessage): Promise<void> {
    this.log.push(`delete ${messageId} ${popReceipt}`);
    this.messages.splice(
      this.messages.findIndex((entry) => entry.messageId === messageId),
      1,
    );
  }
  async send(messageText: string): Promise<void> {
    const now = new Date(this.#clock.now());
    this.messages.push({
      messageId: `m${this.messages.length + 1}`,
      popReceipt: "first",
      messageText,
      dequeueCount: 0,
      insertedOn: now,
      expiresOn: now,
      nextVisibleOn: now,
      visibleAt: this.#clock.now(),
    });
  }
}

function arrange(options: Partial<StorageQueueListenerOptions> = {}) {
  const clock = new FakeClock();
  const queue = new FakeQueue(clock);
  const poison = new FakeQueue(clock);
  const reports: string[] = [];
  const bodies: string[] = [];
  const listener = new StorageQueueListener({
    open: async () => ({ queue, poison }),
    clock,
    batchSize: 16,
    newBatchThreshold: 8,
    maxDequeueCount: 3,
    visibilityTimeoutMs: 0,
    maxPollingIntervalMs: 2000,
    messageEncoding: "base64",
    invoke: async (_message, body) => void bodies.push(body.toString()),
    report: (problem) => reports.push(problem),
    ...options,
  });
  return { clock, queue, poison, reports, bodies, listener };
}

const encoded = (text: string): string => Buffer.from(text).toString("base64");

describe("a listener of a storage queue", () => {
  it("runs what it finds and deletes it", async () => {
    const { clock, queue, bodies, listener } = arrange();
    await queue.send(encoded("hello"));
    listener.start();
    await clock.advance(0);
    expect([bodies, queue.log]).toEqual([["hello"], ["delete m1 first"]]);
    await listener.stop(0);
    expect(clock.pending).toBe(0);
  });

  it("polls less and less while the queue is empty, and fast again after a message", async () => {
    const { clock, queue, listener } = arrange();
    listener.start();
    await clock.advance(100 + 200 + 400 + 800 + 1600 + 2000 + 2000);
    expect(queue.polls).toBe(8);
    await queue.send(encoded("hello"));
    await clock.advance(2000);
    const polls = queue.polls;
    await clock.advance(300);
    expect(queue.polls - polls).toBeGreaterThanOrEqual(2);
    await listener.stop(0);
  });

  it("moves a message to the poison queue after maxDequeueCount failures", async () => {
    const { clock, queue, poison, reports, listener } = arrange({
      invoke: () => Promise.reject(new Error("no")),
    });
    await queue.send(encoded("bad"));
    listener.start();
    await clock.advance(5000);
    expect(queue.log).toEqual(["hide m1 0", "hide m1 0", "delete m1 first"]);
    expect(poison.messages.map(({ messageText }) => messageText)).toEqual([encoded("bad")]);
    expect(reports).toEqual(["message m1 failed 3 times: moved to the poison queue"]);
    await listener.stop(0);
  });

  it("moves what is not base64 to the poison queue at once", async () => {
    const { clock, queue, poison, bodies, listener } = arrange();
    await queue.send("{ plain }");
    listener.start();
    await clock.advance(0);
    expect([bodies, poison.messages.length, queue.messages.length]).toEqual([[], 1, 0]);
    await listener.stop(0);
  });

  it("keeps a message hidden while it runs, and deletes it with the newest receipt", async () => {
    const run = Promise.withResolvers<void>();
    const { clock, queue, listener } = arrange({ invoke: () => run.promise });
    await queue.send(encoded("long"));
    listener.start();
    await clock.advance(11 * MINUTE);
    expect(queue.log).toEqual(["hide m1 600000", "hide m1 600000"]);
    run.resolve();
    await settle();
    expect(queue.log.at(-1)).toBe("delete m1 renewed");
    await listener.stop(0);
    expect(clock.pending).toBe(0);
  });

  it("fetches no more than it may run: a batch and the threshold", async () => {
    const runs: PromiseWithResolvers<void>[] = [];
    const { clock, queue, listener } = arrange({
      batchSize: 4,
      newBatchThreshold: 2,
      invoke: () => {
        const run = Promise.withResolvers<void>();
        runs.push(run);
        return run.promise;
      },
    });
    for (let index = 0; index < 10; index += 1) await queue.send(encoded(String(index)));
    listener.start();
    await clock.advance(0);
    expect(runs).toHaveLength(4);
    for (const run of runs.slice(0, 2)) run.resolve();
    await clock.advance(0);
    expect(runs).toHaveLength(8);
    for (const run of runs) run.resolve();
    await clock.advance(0);
    for (const run of runs) run.resolve();
    await clock.advance(0);
    expect(queue.messages).toHaveLength(0);
    await listener.stop(0);
  });

  it("goes on when the queue cannot be reached, and says so", async () => {
    const { clock, reports, listener } = arrange({
      open: () => Promise.reject(new Error("refused")),
    });
    listener.start();
    await clock.advance(400);
    expect(reports.length).toBeGreaterThan(1);
    expect(reports[0]).toBe("cannot receive: refused");
    await listener.stop(0);
  });
});

describe("messages of storage queues", () => {
  it("carry metadata in the wire's shapes, and the properties of a JSON body", () => {
    const at = new Date("2026-11-29T10:00:00.000Z");
    const message = {
      ...{ messageId: "id", popReceipt: "pop", messageText: "", dequeueCount: 2 },
      ...{ insertedOn: at, expiresOn: at, nextVisibleOn: at },
    };
    const date = { json: '"2026-11-29T10:00:00+00:00"' };
    expect(queueMetadata(message, '{"name":"a","n":{"b":1}}')).toEqual({
      name: { string: "a" },
      n: { json: '{"b":1}' },
      QueueTrigger: { string: '{"name":"a","n":{"b":1}}' },
      DequeueCount: { json: "2" },
      Id: { string: "id" },
      PopReceipt: { string: "pop" },
      ExpirationTime: date,
      InsertionTime: date,
      NextVisibleTime: date,
    });
    expect(Object.keys(queueMetadata(message, "{ no json"))).toHaveLength(7);
  });

  it("are base64 or plain, as host.json says", () => {
    expect(decodeMessage(encodeMessage(Buffer.from("ü"), "base64"), "base64")?.toString()).toBe(
      "ü",
    );
    expect(decodeMessage("plain!", "base64")).toBeUndefined();
    expect(decodeMessage("plain!", "none")?.toString()).toBe("plain!");
  });

  it("go out one for a value, and one each for the elements of an array", () => {
    const texts = (data: object) => toBodies(data).map(String);
    expect(texts({ string: "a" })).toEqual(["a"]);
    expect(texts({ json: '[{"a":1},"b"]' })).toEqual(['{"a":1}', "b"]);
    expect(texts({ bytes: Buffer.from("c") })).toEqual(["c"]);
  });
});
