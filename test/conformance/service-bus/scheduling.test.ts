import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type BrokerUnderTest,
  brokerUnderTest,
  NO_RENEWAL,
  NOTHING,
  receiveOne,
} from "./broker-under-test.ts";

const MINUTE_MS = 60_000;

describe("time: scheduled messages and time to live", () => {
  let under: BrokerUnderTest;

  beforeAll(async () => {
    under = await brokerUnderTest({
      queues: [
        { name: "plain" },
        { name: "cancel" },
        { name: "drop" },
        { name: "keep", deadLetteringOnMessageExpiration: true },
        { name: "default", defaultMessageTimeToLiveMs: MINUTE_MS },
        { name: "locked", lockDurationMs: 2 * MINUTE_MS },
        { name: "later" },
      ],
    });
  });

  afterAll(() => under[Symbol.asyncDispose]());

  const inMinutes = (minutes: number) => new Date(under.clock.now() + minutes * MINUTE_MS);
  const countsOf = (queue: string) =>
    under.broker.counts().find(({ path }) => path === queue) ?? expect.fail(`no queue ${queue}`);

  it("delivers a scheduled message when it is due, enqueued at that time", async () => {
    const sender = under.client.createSender("plain");
    const receiver = under.client.createReceiver("plain", NO_RENEWAL);
    const due = inMinutes(10);
    const [number] = await sender.scheduleMessages([{ body: "later" }], due);
    expect(Number(number)).toBeGreaterThan(0);
    expect(await receiver.receiveMessages(1, NOTHING)).toEqual([]);
    const [peeked] = await receiver.peekMessages(1);
    expect(peeked).toMatchObject({ body: "later", state: "scheduled" });
    await under.clock.advance(10 * MINUTE_MS);
    const message = await receiveOne(receiver);
    expect(message).toMatchObject({ body: "later", state: "active", enqueuedTimeUtc: due });
    await receiver.completeMessage(message);
  });

  it("schedules a message that is sent with its own due time", async () => {
    const sender = under.client.createSender("later");
    await sender.sendMessages({ body: "own", scheduledEnqueueTimeUtc: inMinutes(5) });
    expect(countsOf("later")).toMatchObject({ scheduled: 1, active: 0 });
    await under.clock.advance(5 * MINUTE_MS);
    expect(countsOf("later")).toMatchObject({ scheduled: 0, active: 1 });
  });

  it("cancels scheduled messages by number, and only those that are there", async () => {
    const sender = under.client.createSender("cancel");
    const numbers = await sender.scheduleMessages([{ body: 1 }, { body: 2 }], inMinutes(5));
    const [first] = numbers;
    if (!first) return expect.fail("no sequence number");
    await sender.cancelScheduledMessages(first);
    expect(countsOf("cancel")).toMatchObject({ scheduled: 1 });
    await expect(sender.cancelScheduledMessages(numbers)).rejects.toMatchObject({
      code: "MessageNotFound",
    });
    expect(countsOf("cancel")).toMatchObject({ scheduled: 1 });
  });

  it("drops an expired message where expiry is not dead-lettered", async () => {
    const sender = under.client.createSender("drop");
    await sender.sendMessages({ body: "short", timeToLive: MINUTE_MS });
    await under.clock.advance(MINUTE_MS);
    expect(countsOf("drop")).toMatchObject({ active: 0, deadLetter: 0, sizeBytes: 0 });
  });

  it("dead-letters an expired message where the queue says so", async () => {
    const sender = under.client.createSender("keep");
    await sender.sendMessages({ body: "short", timeToLive: MINUTE_MS });
    await under.clock.advance(MINUTE_MS);
    const deadLetters = under.client.createReceiver("keep", { subQueueType: "deadLetter" });
    expect(await receiveOne(deadLetters)).toMatchObject({
      body: "short",
      deadLetterReason: "TTLExpiredException",
      deadLetterErrorDescription: "The message expired and was dead lettered.",
    });
  });

  it("takes the shorter of the message's and the queue's time to live", async () => {
    const sender = under.client.createSender("default");
    await sender.sendMessages([
      { body: "queue's" },
      { body: "its own", timeToLive: MINUTE_MS / 2 },
      { body: "capped", timeToLive: 10 * MINUTE_MS },
    ]);
    await under.clock.advance(MINUTE_MS / 2);
    expect(countsOf("default")).toMatchObject({ active: 2 });
    await under.clock.advance(MINUTE_MS / 2);
    expect(countsOf("default")).toMatchObject({ active: 0 });
  });

  it("lets a locked message be completed after its time to live", async () => {
    const sender = under.client.createSender("locked");
    const receiver = under.client.createReceiver("locked", NO_RENEWAL);
    await sender.sendMessages([1, 2].map((body) => ({ body, timeToLive: MINUTE_MS })));
    const first = await receiveOne(receiver);
    const second = await receiveOne(receiver);
    await under.clock.advance(MINUTE_MS);
    await receiver.completeMessage(first);
    await receiver.abandonMessage(second);
    expect(countsOf("locked")).toMatchObject({ active: 0 });
  });
});
