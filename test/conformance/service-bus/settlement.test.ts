import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type BrokerUnderTest,
  brokerUnderTest,
  NO_RENEWAL,
  NOTHING,
  receive,
  receiveOne,
} from "./broker-under-test.ts";

const LOCK_MS = 30_000;

describe("receiving and settling through the SDK", () => {
  let under: BrokerUnderTest;

  beforeAll(async () => {
    const settings = { lockDurationMs: LOCK_MS, maxDeliveryCount: 3 };
    const names = ["basic", "abandon", "defer", "dead", "lost", "renew", "count", "delete"];
    const queues = [...names, "released", "unlike", "many", "typed", "drain"];
    under = await brokerUnderTest({ queues: queues.map((name) => ({ name, ...settings })) });
  });

  afterAll(() => under[Symbol.asyncDispose]());

  const open = (queue: string) => ({
    sender: under.client.createSender(queue),
    receiver: under.client.createReceiver(queue, NO_RENEWAL),
  });
  const countsOf = (queue: string) =>
    under.broker.counts().find(({ path }) => path === queue) ?? expect.fail(`no queue ${queue}`);

  it("delivers a message with its body, properties and the broker's annotations", async () => {
    const { sender, receiver } = open("basic");
    await sender.sendMessages({
      body: { greeting: "hello" },
      messageId: "m-1",
      correlationId: "c-1",
      subject: "s",
      replyTo: "r",
      contentType: "application/json",
      applicationProperties: { count: 1, half: 0.5, ok: true },
    });
    const message = await receiveOne(receiver);
    expect(message).toMatchObject({
      body: { greeting: "hello" },
      messageId: "m-1",
      correlationId: "c-1",
      subject: "s",
      replyTo: "r",
      contentType: "application/json",
      applicationProperties: { count: 1, half: 0.5, ok: true },
      deliveryCount: 0,
      state: "active",
    });
    expect(Number(message.sequenceNumber)).toBe(1);
    expect(message.enqueuedTimeUtc?.getTime()).toBe(under.clock.now());
    expect(message.lockedUntilUtc?.getTime()).toBe(under.clock.now() + LOCK_MS);
    await receiver.completeMessage(message);
    expect(countsOf("basic")).toMatchObject({ active: 0, sizeBytes: 0 });
  });

  it("keeps the AMQP types that application properties had", async () => {
    const { sender, receiver } = open("typed");
    await sender.sendMessages({
      body: Buffer.from([1, 2, 3]),
      applicationProperties: { half: 0.5, negative: -7 },
    });
    const message = await receiveOne(receiver);
    await receiver.abandonMessage(message, { added: "yes" });
    const again = await receiveOne(receiver);
    expect(again.applicationProperties).toEqual({ half: 0.5, negative: -7, added: "yes" });
    expect(Buffer.compare(again.body, Buffer.from([1, 2, 3]))).toBe(0);
  });

  it("gives a message without id one of its own", async () => {
    const { sender, receiver } = open("basic");
    await sender.sendMessages({ body: "anonymous" });
    const message = await receiveOne(receiver);
    expect(message.messageId).toMatch(/^[0-9a-f]{32}$/);
    await receiver.completeMessage(message);
  });

  it("delivers an abandoned message again, counted and with its changed properties", async () => {
    const { sender, receiver } = open("abandon");
    await sender.sendMessages({ body: "a", applicationProperties: { kept: 1, changed: "no" } });
    await receiver.abandonMessage(await receiveOne(receiver), { changed: "yes", added: 2 });
    const again = await receiveOne(receiver);
    expect(again.deliveryCount).toBe(1);
    expect(again.applicationProperties).toEqual({ kept: 1, changed: "yes", added: 2 });
    await receiver.completeMessage(again);
  });

  it("sets a deferred message aside until it is asked for by number", async () => {
    const { sender, receiver } = open("defer");
    await sender.sendMessages({ body: "later" });
    const message = await receiveOne(receiver);
    await receiver.deferMessage(message, { why: "busy" });
    expect(await receiver.receiveMessages(1, NOTHING)).toEqual([]);
    expect(countsOf("defer")).toMatchObject({ deferred: 1, active: 0 });
    const number = message.sequenceNumber ?? expect.fail("no sequence number");
    const [deferred] = await receiver.receiveDeferredMessages([number]);
    expect(deferred).toMatchObject({ body: "later", state: "deferred" });
    expect(deferred?.applicationProperties).toEqual({ why: "busy" });
    if (deferred) await receiver.completeMessage(deferred);
    expect(countsOf("defer")).toMatchObject({ deferred: 0 });
    await expect(receiver.receiveDeferredMessages([number.add(999)])).rejects.toMatchObject({
      code: "MessageNotFound",
    });
  });

  it("moves a dead-lettered message with reason, description and properties", async () => {
    const { sender, receiver } = open("dead");
    await sender.sendMessages({ body: "bad", messageId: "bad-1" });
    const deadLetterReason = "Malformed";
    const details = { deadLetterReason, deadLetterErrorDescription: "no JSON", seen: true };
    const message = await receiveOne(receiver);
    await receiver.deadLetterMessage(message, details);
    const deadLetters = under.client.createReceiver("dead", {
      subQueueType: "deadLetter",
      ...NO_RENEWAL,
    });
    const [peeked] = await deadLetters.peekMessages(1);
    expect(peeked).toMatchObject({ messageId: "bad-1", deadLetterReason });
    const dead = await receiveOne(deadLetters);
    expect(dead).toMatchObject({
      body: "bad",
      deadLetterReason,
      deadLetterErrorDescription: "no JSON",
      deadLetterSource: "dead",
    });
    expect(dead.applicationProperties?.["seen"]).toBe(true);
    const before = dead.lockedUntilUtc?.getTime() ?? 0;
    await under.clock.advance(1_000);
    expect((await deadLetters.renewMessageLock(dead)).getTime()).toBeGreaterThan(before);
    await deadLetters.completeMessage(dead);
    expect(countsOf("dead")).toMatchObject({ active: 0, deadLetter: 0 });
  });

  it("answers a settlement whose lock has expired with lock lost, and delivers again", async () => {
    const { sender, receiver } = open("lost");
    await sender.sendMessages({ body: "slow" });
    const message = await receiveOne(receiver);
    await under.clock.advance(LOCK_MS);
    await expect(receiver.completeMessage(message)).rejects.toMatchObject({
      code: "MessageLockLost",
    });
    const again = await receiveOne(receiver);
    expect(again.deliveryCount).toBe(1);
    await receiver.completeMessage(again);
  });

  it("keeps a message locked as long as its lock is renewed", async () => {
    const { sender, receiver } = open("renew");
    await sender.sendMessages({ body: "long" });
    const message = await receiveOne(receiver);
    await under.clock.advance(LOCK_MS - 1);
    const lockedUntil = await receiver.renewMessageLock(message);
    expect(lockedUntil.getTime()).toBe(under.clock.now() + LOCK_MS);
    await under.clock.advance(LOCK_MS - 1);
    await receiver.completeMessage(message);
    await expect(receiver.renewMessageLock(message)).rejects.toBeDefined();
  });

  it("dead-letters a message after its last allowed delivery", async () => {
    const { sender, receiver } = open("count");
    await sender.sendMessages({ body: "poison" });
    for (let attempt = 0; attempt < 3; attempt++) {
      await receiver.abandonMessage(await receiveOne(receiver));
    }
    const deadLetters = under.client.createReceiver("count", { subQueueType: "deadLetter" });
    expect(await receiveOne(deadLetters)).toMatchObject({
      deadLetterReason: "MaxDeliveryCountExceeded",
      deadLetterErrorDescription: "Message could not be consumed after 3 delivery attempts.",
    });
  });

  it("removes what is received and deleted, and leaves nothing to settle", async () => {
    const { sender } = open("delete");
    await sender.sendMessages(["a", "b", "c"].map((body) => ({ body })));
    const receiver = under.client.createReceiver("delete", { receiveMode: "receiveAndDelete" });
    expect((await receive(receiver, 3)).map(({ body }) => body)).toEqual(["a", "b", "c"]);
    expect(countsOf("delete")).toMatchObject({ active: 0, sizeBytes: 0 });
  });

  it("keeps a message locked after its receiver was closed, until the lock expires", async () => {
    const { sender, receiver } = open("released");
    await sender.sendMessages({ body: "x" });
    const message = await receiveOne(receiver);
    await receiver.close();
    const other = under.client.createReceiver("released", NO_RENEWAL);
    expect(await other.receiveMessages(1, NOTHING)).toEqual([]);
    await under.clock.advance(LOCK_MS);
    expect(await receiveOne(other)).toMatchObject({ messageId: message.messageId });
  });

  it("answers outcomes that differ each for itself", async () => {
    const { sender, receiver } = open("unlike");
    await sender.sendMessages(["keep", "dead", "done"].map((body) => ({ body })));
    const [keep, dead, done] = await receive(receiver, 3);
    if (!keep || !dead || !done) return expect.fail("three messages");
    const tick = () => new Promise((resolve) => setImmediate(resolve));
    const answers = [receiver.abandonMessage(keep)];
    await tick();
    answers.push(receiver.deadLetterMessage(dead));
    await tick();
    answers.push(receiver.completeMessage(done));
    await Promise.all(answers);
    expect(countsOf("unlike")).toMatchObject({ active: 1, deadLetter: 1 });
  });

  it("delivers more messages on one link than rhea's own record could hold", async () => {
    const { sender } = open("many");
    const total = 5_000;
    const batch = Array.from({ length: 500 }, (_, index) => ({ body: index }));
    for (let sent = 0; sent < total; sent += batch.length) await sender.sendMessages(batch);
    const receiver = under.client.createReceiver("many", NO_RENEWAL);
    let seen = 0;
    await new Promise<void>((resolve, reject) => {
      receiver.subscribe(
        {
          processMessage: async () => {
            seen += 1;
            if (seen === total) resolve();
          },
          processError: async ({ error }) => reject(error),
        },
        { maxConcurrentCalls: 100 },
      );
    });
    await receiver.close();
    await expect.poll(() => countsOf("many").active).toBe(0);
  });

  it("returns from an empty receive as soon as its wait is over", async () => {
    const { receiver, sender } = open("drain");
    expect(await receiver.receiveMessages(5, NOTHING)).toEqual([]);
    await sender.sendMessages({ body: "after the drain" });
    expect(await receiveOne(receiver)).toMatchObject({ body: "after the drain" });
  });
});
