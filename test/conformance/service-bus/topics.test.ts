import type { RuleProperties, ServiceBusRuleManager } from "@azure/service-bus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type BrokerUnderTest,
  brokerUnderTest,
  NO_RENEWAL,
  NOTHING,
  receive,
  receiveOne,
} from "./broker-under-test.ts";

async function listRules(manager: ServiceBusRuleManager): Promise<RuleProperties[]> {
  const rules: RuleProperties[] = [];
  for await (const rule of manager.listRules()) rules.push(rule);
  return rules;
}

describe("topics, subscriptions and rules through the SDK", () => {
  let under: BrokerUnderTest;

  beforeAll(async () => {
    const plain = [{ name: "all" }, { name: "some" }];
    under = await brokerUnderTest({
      topics: [
        { name: "news", subscriptions: plain },
        { name: "filtered", subscriptions: plain },
        { name: "later", subscriptions: plain },
        { name: "unique", requiresDuplicateDetection: true, subscriptions: [{ name: "all" }] },
        { name: "sessions", subscriptions: [{ name: "all", requiresSession: true }] },
      ],
    });
  });

  afterAll(() => under[Symbol.asyncDispose]());

  const subscription = (topic: string, name: string) =>
    under.client.createReceiver(topic, name, NO_RENEWAL);

  it("gives every subscription its own copy", async () => {
    await under.client.createSender("news").sendMessages([{ body: 1 }, { body: 2 }]);
    for (const name of ["all", "some"]) {
      const receiver = subscription("news", name);
      const messages = await receive(receiver, 2);
      expect(messages.map(({ body }) => body)).toEqual([1, 2]);
      for (const message of messages) await receiver.completeMessage(message);
    }
  });

  it("dead-letters in the subscription alone", async () => {
    await under.client.createSender("news").sendMessages({ body: "bad" });
    const receiver = subscription("news", "all");
    await receiver.deadLetterMessage(await receiveOne(receiver), {
      deadLetterReason: "why",
      deadLetterErrorDescription: "because",
    });
    const deadLetters = under.client.createReceiver("news", "all", { subQueueType: "deadLetter" });
    expect(await receiveOne(deadLetters)).toMatchObject({
      body: "bad",
      deadLetterReason: "why",
      deadLetterSource: "news/Subscriptions/all",
    });
    expect(await receiveOne(subscription("news", "some"))).toMatchObject({ body: "bad" });
  });

  it("lets through what a correlation rule matches, in all its fields", async () => {
    const rules = under.client.createRuleManager("filtered", "some");
    expect((await listRules(rules)).map(({ name }) => name)).toEqual(["$Default"]);
    await rules.deleteRule("$Default");
    await rules.createRule("urgent", {
      subject: "urgent",
      applicationProperties: { region: "eu", level: 3 },
    });
    const sender = under.client.createSender("filtered");
    const eu = { region: "eu", level: 3 };
    await sender.sendMessages([
      { body: "wanted", subject: "urgent", applicationProperties: eu },
      { body: "other subject", subject: "calm", applicationProperties: eu },
      { body: "other level", subject: "urgent", applicationProperties: { ...eu, level: 4 } },
      { body: "no properties", subject: "urgent" },
    ]);
    const receiver = subscription("filtered", "some");
    expect(await receiveOne(receiver)).toMatchObject({ body: "wanted" });
    expect(await receiver.receiveMessages(1, NOTHING)).toEqual([]);
    const [rule] = await listRules(rules);
    expect(rule).toMatchObject({
      name: "urgent",
      filter: { subject: "urgent", applicationProperties: { region: "eu", level: 3 } },
    });
  });

  it("adds, lists and removes rules, and says what is wrong with them", async () => {
    const rules = under.client.createRuleManager("filtered", "all");
    await rules.createRule("everything", { sqlExpression: "1=1" });
    await expect(rules.createRule("everything", { sqlExpression: "1=1" })).rejects.toMatchObject({
      code: "MessagingEntityAlreadyExists",
    });
    await expect(rules.createRule("sql", { sqlExpression: "level > 3" })).rejects.toThrow(
      /does not emulate SQL rule filters/,
    );
    const names = (await listRules(rules)).map(({ name }) => name);
    expect(names).toEqual(["$Default", "everything"]);
    await rules.deleteRule("everything");
    await expect(rules.deleteRule("everything")).rejects.toThrow(/could not be found/);
  });

  it("keeps a scheduled message on the topic until it is due", async () => {
    const sender = under.client.createSender("later");
    const due = new Date(under.clock.now() + 60_000);
    const [first] = await sender.scheduleMessages([{ body: "cancelled" }, { body: "kept" }], due);
    if (first) await sender.cancelScheduledMessages(first);
    expect(await subscription("later", "all").receiveMessages(1, NOTHING)).toEqual([]);
    await under.clock.advance(60_000);
    for (const name of ["all", "some"]) {
      const receiver = subscription("later", name);
      const message = await receiveOne(receiver);
      expect(message).toMatchObject({ body: "kept", state: "active" });
      await receiver.completeMessage(message);
      expect(await receiver.peekMessages(5)).toEqual([]);
    }
  });

  it("drops duplicates before they reach a subscription", async () => {
    const sender = under.client.createSender("unique");
    await sender.sendMessages({ body: 1, messageId: "same" });
    await sender.sendMessages({ body: 2, messageId: "same" });
    const receiver = subscription("unique", "all");
    expect((await receiveOne(receiver)).body).toBe(1);
    expect(await receiver.receiveMessages(1, NOTHING)).toEqual([]);
  });

  it("dead-letters a message without session id in a subscription that needs one", async () => {
    await under.client
      .createSender("sessions")
      .sendMessages([{ body: "fits", sessionId: "s" }, { body: "misfit" }]);
    const holder = await under.client.acceptSession("sessions", "all", "s", NO_RENEWAL);
    expect((await receiveOne(holder)).body).toBe("fits");
    await holder.close();
    const options = { subQueueType: "deadLetter" } as const;
    const deadLetters = under.client.createReceiver("sessions", "all", options);
    expect(await receiveOne(deadLetters)).toMatchObject({
      body: "misfit",
      deadLetterReason: "Session ID is null.",
    });
  });
});
