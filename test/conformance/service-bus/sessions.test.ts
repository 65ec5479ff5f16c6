import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type BrokerUnderTest,
  brokerUnderTest,
  connect,
  NO_RENEWAL,
  NOTHING,
  receive,
  receiveOne,
} from "./broker-under-test.ts";

const LOCK_MS = 30_000;

describe("sessions through the SDK", () => {
  let under: BrokerUnderTest;

  beforeAll(async () => {
    const names = ["order", "next", "busy", "state", "lost", "held", "wait", "left", "defer"];
    const session = { requiresSession: true, lockDurationMs: LOCK_MS, maxDeliveryCount: 5 };
    under = await brokerUnderTest({
      queues: [{ name: "plain" }, ...names.map((name) => ({ name, ...session }))],
    });
  });

  afterAll(() => under[Symbol.asyncDispose]());

  const send = async (queue: string, messages: [sessionId: string, body: unknown][]) => {
    const sender = under.client.createSender(queue);
    await sender.sendMessages(messages.map(([sessionId, body]) => ({ sessionId, body })));
  };
  const accept = (queue: string, sessionId: string) =>
    under.client.acceptSession(queue, sessionId, NO_RENEWAL);

  it("gives each session's messages in order to the one who holds it", async () => {
    await send("order", [
      ["a", 1],
      ["b", 2],
      ["a", 3],
      ["b", 4],
    ]);
    const [a, b] = [await accept("order", "a"), await accept("order", "b")];
    expect((await receive(a, 2)).map(({ body }) => body)).toEqual([1, 3]);
    expect((await receive(b, 2)).map(({ body }) => body)).toEqual([2, 4]);
    expect(await a.receiveMessages(1, NOTHING)).toEqual([]);
    expect(a.sessionLockedUntilUtc.getTime()).toBe(under.clock.now() + LOCK_MS);
    await Promise.all([a.close(), b.close()]);
  });

  it("hands out the next sessions that have messages and no holder", async () => {
    await send("next", [
      ["x", 1],
      ["y", 2],
    ]);
    const first = await under.client.acceptNextSession("next", NO_RENEWAL);
    const second = await under.client.acceptNextSession("next", NO_RENEWAL);
    expect([first.sessionId, second.sessionId].sort()).toEqual(["x", "y"]);
    await Promise.all([first.close(), second.close()]);
  });

  it("holds a request for the next session until there is one", async () => {
    const accepting = under.client.acceptNextSession("held", NO_RENEWAL);
    await send("held", [["fresh", "hello"]]);
    const receiver = await accepting;
    expect(receiver.sessionId).toBe("fresh");
    const message = await receiveOne(receiver);
    expect(message.body).toBe("hello");
    await receiver.completeMessage(message);
    await receiver.close();
  });

  it("tells who waits in vain for a session that time is up", async () => {
    const impatient = connect(under.broker.connectionString);
    const timers = under.clock.pending;
    const accepting = impatient.acceptNextSession("wait");
    const refused = expect(accepting).rejects.toMatchObject({ code: "ServiceTimeout" });
    await expect.poll(() => under.clock.pending).toBeGreaterThan(timers);
    await under.clock.advance(10_000);
    await refused;
    await impatient.close();
  });

  it("refuses a session that another holds, until it is free", async () => {
    const holder = await accept("busy", "one");
    await expect(accept("busy", "one")).rejects.toMatchObject({ code: "SessionCannotBeLocked" });
    await holder.close();
    await (await accept("busy", "one")).close();
  });

  it("keeps a session's state without messages and across holders", async () => {
    const first = await accept("state", "s");
    expect(await first.getSessionState()).toBeNull();
    await first.setSessionState({ step: 2 });
    await first.close();
    const second = await accept("state", "s");
    expect(await second.getSessionState()).toEqual({ step: 2 });
    await second.setSessionState(null);
    expect(await second.getSessionState()).toBeNull();
    await second.close();
  });

  it("takes a session away when its lock expires, unless it is renewed", async () => {
    await send("lost", [["s", "work"]]);
    const holder = await accept("lost", "s");
    const message = await receiveOne(holder);
    await under.clock.advance(LOCK_MS - 1);
    const until = await holder.renewSessionLock();
    expect(until.getTime()).toBe(under.clock.now() + LOCK_MS);
    await under.clock.advance(LOCK_MS);
    await expect(holder.completeMessage(message)).rejects.toMatchObject({
      code: "SessionLockLost",
    });
    const next = await accept("lost", "s");
    const again = await receiveOne(next);
    expect(again).toMatchObject({ body: "work", deliveryCount: 1 });
    await next.completeMessage(again);
    await next.close();
  });

  it("frees a session and its unsettled messages when its holder leaves", async () => {
    await send("left", [
      ["s", 1],
      ["s", 2],
    ]);
    const holder = await accept("left", "s");
    expect((await receive(holder, 2)).map(({ body }) => body)).toEqual([1, 2]);
    await holder.close();
    const next = await accept("left", "s");
    expect((await receive(next, 2)).map(({ body }) => body)).toEqual([1, 2]);
    await next.close();
  });

  it("gives deferred messages back within their session", async () => {
    await send("defer", [["s", "later"]]);
    const holder = await accept("defer", "s");
    const message = await receiveOne(holder);
    await holder.deferMessage(message);
    const number = message.sequenceNumber ?? expect.fail("no sequence number");
    const [deferred] = await holder.receiveDeferredMessages([number]);
    expect(deferred?.body).toBe("later");
    if (deferred) await holder.completeMessage(deferred);
    expect(await holder.peekMessages(10)).toEqual([]);
    await holder.close();
  });

  it("refuses a message without session id", async () => {
    const sender = under.client.createSender("order");
    await expect(sender.sendMessages({ body: "lost" })).rejects.toThrow(/SessionId was not set/);
  });

  it("refuses receivers that do not fit the queue", async () => {
    const plain = under.client.createReceiver("order");
    await expect(plain.receiveMessages(1, NOTHING)).rejects.toThrow(/requires sessions/);
    // The SDK shows every refusal of a named session alike.
    await expect(accept("plain", "s")).rejects.toMatchObject({ code: "SessionCannotBeLocked" });
    const next = under.client.acceptNextSession("plain");
    await expect(next).rejects.toThrow(/has no sessions/);
  });
});
