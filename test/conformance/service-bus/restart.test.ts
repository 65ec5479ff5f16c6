import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBusClient, type ServiceBusReceivedMessage } from "@azure/service-bus";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ChildService, startChild } from "../../../local/child-service.ts";
import { freePort } from "../../../local/free-port.ts";
import { settleInTime } from "../../../shared/messaging/settle-in-time.ts";
import { connect, NO_RENEWAL, receive, receiveOne } from "./broker-under-test.ts";

const NAMESPACE = {
  queues: [
    { name: "work" },
    { name: "unique", requiresDuplicateDetection: true },
    { name: "sessions", requiresSession: true },
  ],
  topics: [{ name: "topic", subscriptions: [{ name: "s" }] }],
};

type Ending = "shutdown" | "crash";

describe("a broker in a process of its own, restarted", () => {
  let dataDir: string;
  let port: number;
  let broker: ChildService;
  let client: ServiceBusClient;

  const start = async () => {
    const options = { port, dataDir, namespace: NAMESPACE };
    broker = await startChild("broker", { options });
    client = connect(String(broker.facts["connectionString"]));
  };
  const restart = async (how: Ending) => {
    await broker.stop(how === "crash" ? "SIGKILL" : undefined);
    // A close that the end of the broker overtakes never settles.
    await settleInTime(client.close());
    await start();
  };
  const peekAll = (queue: string) => client.createReceiver(queue).peekMessages(100);

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "broker-"));
    port = await freePort();
    await start();
  });

  afterEach(async () => {
    await client.close();
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  for (const how of ["shutdown", "crash"] as const) {
    it(`keeps everything that was acknowledged after a ${how}`, async () => {
      const sender = client.createSender("work");
      const bodies = ["done", "deferred", "dead", "locked", "abandoned", "active"];
      await sender.sendMessages(bodies.map((body) => ({ body, messageId: body })));
      await sender.scheduleMessages({ body: "scheduled" }, new Date(Date.now() + 3_600_000));
      const receiver = client.createReceiver("work", NO_RENEWAL);
      const [done, deferred, dead, , abandoned] = await receive(receiver, 5);
      if (!done || !deferred || !dead || !abandoned) return expect.fail("five messages");
      await receiver.completeMessage(done);
      await receiver.deferMessage(deferred);
      await receiver.deadLetterMessage(dead, {
        deadLetterReason: "r",
        deadLetterErrorDescription: "d",
      });
      await receiver.abandonMessage(abandoned);
      await restart(how);
      const kept = await peekAll("work");
      expect(kept.map(({ body, state }) => [body, state])).toEqual([
        ["deferred", "deferred"],
        ["locked", "active"],
        ["abandoned", "active"],
        ["active", "active"],
        ["scheduled", "scheduled"],
      ]);
      const again = await receive(client.createReceiver("work", NO_RENEWAL), 3);
      // Locks are gone, uncounted; the abandon was a delivery that failed.
      expect(again.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
        ["locked", 0],
        ["abandoned", 1],
        ["active", 0],
      ]);
      const deadLetters = client.createReceiver("work", { subQueueType: "deadLetter" });
      expect(await receiveOne(deadLetters)).toMatchObject({ body: "dead", deadLetterReason: "r" });
    });
  }

  it("keeps sequence numbers, seen ids, session states and rules after a crash", async () => {
    const unique = client.createSender("unique");
    await unique.sendMessages({ body: 1, messageId: "once" });
    const holder = await client.acceptSession("sessions", "s");
    await holder.setSessionState("half way");
    const rules = client.createRuleManager("topic", "s");
    await rules.deleteRule("$Default");
    await rules.createRule("only", { correlationId: "c" });
    const deleting = client.createReceiver("unique", { receiveMode: "receiveAndDelete" });
    await receiveOne(deleting);
    await restart("crash");
    await client.createSender("unique").sendMessages([
      { body: 2, messageId: "once" },
      { body: 3, messageId: "twice" },
    ]);
    const [only, ...others] = await peekAll("unique");
    expect(others).toEqual([]);
    expect(only?.body).toBe(3);
    expect(Number(only?.sequenceNumber)).toBe(2);
    const next = await client.acceptSession("sessions", "s");
    expect(await next.getSessionState()).toBe("half way");
    const topic = client.createSender("topic");
    await topic.sendMessages([{ body: "no" }, { body: "yes", correlationId: "c" }]);
    expect((await receiveOne(client.createReceiver("topic", "s"))).body).toBe("yes");
  });

  it("loses nothing acknowledged and repeats nothing completed when killed under load", async () => {
    const accepted = new Set<number>();
    const completed = new Set<number>();
    const repeated: number[] = [];
    // What is under way when the broker dies fails only when the SDK's own time is up.
    const hasty = connect(String(broker.facts["connectionString"]), 2_000);
    const receiver = hasty.createReceiver("work", NO_RENEWAL);
    // A completion whose answer the crash cut off may have been done or not: both are right.
    const attempted = new Set<number>();
    const settle = async (message: ServiceBusReceivedMessage) => {
      attempted.add(message.body);
      await receiver.completeMessage(message);
      completed.add(message.body);
    };
    receiver.subscribe(
      {
        processMessage: async (message) => {
          // Every third is left to its lock.
          if (message.body % 3 !== 0) await settle(message).catch(() => {});
        },
        processError: async () => {},
      },
      { autoCompleteMessages: false, maxConcurrentCalls: 16 },
    );
    let next = 0;
    let isKilled = false;
    const lane = async () => {
      const sender = hasty.createSender("work");
      while (!isKilled) {
        const body = next++;
        await sender.sendMessages({ body }).then(
          () => accepted.add(body),
          () => {},
        );
      }
    };
    const lanes = Promise.all(Array.from({ length: 8 }, lane));
    await expect.poll(() => completed.size).toBeGreaterThan(200);
    await broker.stop("SIGKILL");
    isKilled = true;
    await lanes;
    await settleInTime(Promise.all([hasty.close(), client.close()]));
    await start();
    const left = client.createReceiver("work", { receiveMode: "receiveAndDelete" });
    const seen = new Set<number>();
    for (;;) {
      const messages = await left.receiveMessages(500, { maxWaitTimeInMs: 2_000 });
      // None within the wait may only mean that the broker is slow.
      if (messages.length === 0 && (await peekAll("work")).length === 0) break;
      for (const { body } of messages) {
        if (completed.has(body) || seen.has(body)) repeated.push(body);
        seen.add(body);
      }
    }
    const untouched = [...accepted].filter((body) => !attempted.has(body));
    expect(untouched.length).toBeGreaterThan(50);
    const lost = [...accepted].filter((body) => !seen.has(body) && !attempted.has(body));
    expect({ lost, repeated }).toEqual({ lost: [], repeated: [] });
    expect(accepted.size).toBeGreaterThan(200);
  });

  it("serves a client that was there before, without help, once it is back", async () => {
    const options = { retryOptions: { retryDelayInMs: 200, maxRetries: 100 } };
    const patient = new ServiceBusClient(String(broker.facts["connectionString"]), options);
    const bodies: string[] = [];
    const received = (body: string) => expect.poll(() => bodies).toContain(body);
    patient.createReceiver("work").subscribe({
      processMessage: async ({ body }) => void bodies.push(body),
      processError: async () => {},
    });
    const sender = patient.createSender("work");
    await sender.sendMessages({ body: "before" });
    await received("before");
    for (const how of ["shutdown", "crash"] as const) {
      await restart(how);
      await sender.sendMessages({ body: how });
      await received(how);
    }
    await patient.close();
  });
});
