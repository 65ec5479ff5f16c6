import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BrokerUnderTest, brokerUnderTest, receive, receiveOne } from "./broker-under-test.ts";

const KIBIBYTE = 1024;

describe("limits, duplicates and errors through the SDK", () => {
  let under: BrokerUnderTest;

  beforeAll(async () => {
    under = await brokerUnderTest({
      queues: [
        { name: "standard" },
        { name: "mixed" },
        { name: "large", maxMessageSizeInKilobytes: 4 * KIBIBYTE },
        { name: "small", maxSizeInMegabytes: 1 },
        {
          name: "unique",
          requiresDuplicateDetection: true,
          duplicateDetectionHistoryTimeWindowMs: 60_000,
        },
      ],
      topics: [{ name: "topic", subscriptions: [{ name: "s" }] }],
    });
  });

  afterAll(() => under[Symbol.asyncDispose]());

  const countsOf = (queue: string) =>
    under.broker.counts().find(({ path }) => path === queue) ?? expect.fail(`no queue ${queue}`);

  it("tells its limit to clients and refuses what exceeds it", async () => {
    const sender = under.client.createSender("standard");
    const batch = await sender.createMessageBatch();
    expect(batch.maxSizeInBytes).toBe(256 * KIBIBYTE);
    const tooLarge = { body: Buffer.alloc(256 * KIBIBYTE) };
    await expect(sender.sendMessages(tooLarge)).rejects.toMatchObject({
      code: "MessageSizeExceeded",
    });
    await sender.sendMessages({ body: "still works" });
    expect(countsOf("standard").active).toBe(1);
  });

  it("answers sends of one moment each for itself", async () => {
    const sender = under.client.createSender("mixed");
    const tooLarge = { body: Buffer.alloc(256 * KIBIBYTE) };
    const outcomes = await Promise.allSettled([
      sender.sendMessages({ body: 1 }),
      sender.sendMessages(tooLarge),
      sender.sendMessages({ body: 2 }),
      sender.sendMessages({ body: 3 }),
      sender.sendMessages(tooLarge),
    ]);
    const [no, yes] = ["rejected", "fulfilled"];
    expect(outcomes.map(({ status }) => status)).toEqual([yes, no, yes, yes, no]);
    expect(countsOf("mixed").active).toBe(3);
  });

  it("carries a message of many frames both ways, byte for byte", async () => {
    const body = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
    await under.client.createSender("large").sendMessages({ body });
    const received = await receiveOne(under.client.createReceiver("large"));
    expect(Buffer.compare(received.body, body)).toBe(0);
  });

  it("refuses messages beyond the entity's quota and takes more once there is room", async () => {
    const sender = under.client.createSender("small");
    const message = { body: Buffer.alloc(200 * KIBIBYTE) };
    for (let sent = 0; sent < 5; sent++) await sender.sendMessages(message);
    await expect(sender.sendMessages(message)).rejects.toMatchObject({ code: "QuotaExceeded" });
    const receiver = under.client.createReceiver("small", { receiveMode: "receiveAndDelete" });
    await receiveOne(receiver);
    await sender.sendMessages(message);
  });

  it("accepts a batch whole or not at all", async () => {
    const receiver = under.client.createReceiver("small", { receiveMode: "receiveAndDelete" });
    await receive(receiver, countsOf("small").active);
    const sender = under.client.createSender("small");
    const message = { body: Buffer.alloc(240 * KIBIBYTE) };
    for (let sent = 0; sent < 4; sent++) await sender.sendMessages(message);
    const batch = Array.from({ length: 5 }, () => ({ body: Buffer.alloc(20 * KIBIBYTE) }));
    await expect(sender.sendMessages(batch)).rejects.toMatchObject({ code: "QuotaExceeded" });
    expect(countsOf("small").active).toBe(4);
  });

  it("accepts and drops a message id that it saw within the window", async () => {
    const sender = under.client.createSender("unique");
    await sender.sendMessages({ body: 1, messageId: "a" });
    await sender.sendMessages([
      { body: 2, messageId: "a" },
      { body: 3, messageId: "b" },
    ]);
    expect(countsOf("unique").active).toBe(2);
    await under.clock.advance(60_001);
    await sender.sendMessages({ body: 4, messageId: "a" });
    expect(countsOf("unique").active).toBe(3);
  });

  it("names an entity that is not there", async () => {
    const sending = under.client.createSender("nowhere").sendMessages({ body: 1 });
    await expect(sending).rejects.toMatchObject({
      code: "MessagingEntityNotFound",
      message: expect.stringContaining("The messaging entity 'nowhere' could not be found."),
    });
    const peeking = under.client.createReceiver("nowhere").peekMessages(1);
    await expect(peeking).rejects.toMatchObject({ code: "MessagingEntityNotFound" });
  });

  it("refuses to receive from a topic and to send to a subscription", async () => {
    const receiving = under.client.createReceiver("topic").receiveMessages(1);
    await expect(receiving).rejects.toThrow(/is a topic/);
    const sending = under.client.createSender("topic/Subscriptions/s").sendMessages({ body: 1 });
    await expect(sending).rejects.toThrow(/cannot be sent/);
  });

  it("ignores case in entity names", async () => {
    await under.client.createSender("STANDARD").sendMessages({ body: "x" });
    expect(countsOf("standard").active).toBe(2);
  });
});
