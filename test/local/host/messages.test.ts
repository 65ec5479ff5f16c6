import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBusClient, type ServiceBusMessage } from "@azure/service-bus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChildService, startChild } from "../../../local/child-service.ts";
import { settleInTime } from "../../../shared/messaging/settle-in-time.ts";
import { eventually, type FixtureHost, startFixture } from "./start-fixture.ts";

interface Seen {
  name: string;
  body: unknown;
  metadata: Record<string, unknown>;
}

const QUEUES = ["single", "many", "forward"].map((name) => ({ name }));

describe("message triggers with a real broker and real storage", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "messages-"));
  let broker: ChildService;
  let storage: ChildService;
  let host: FixtureHost;
  let client: ServiceBusClient;

  const startBroker = (port: number): Promise<ChildService> =>
    startChild("broker", {
      options: {
        port,
        dataDir: join(dataDir, "broker"),
        namespace: {
          queues: [
            ...QUEUES,
            { name: "failing", maxDeliveryCount: 3 },
            { name: "mixed", maxDeliveryCount: 1 },
            { name: "sessions", requiresSession: true },
          ],
          topics: [{ name: "topic", subscriptions: [{ name: "all" }] }],
        },
      },
    });

  beforeAll(async () => {
    [broker, storage] = await Promise.all([
      startBroker(0),
      startChild("storage", { options: { port: 0, dataDir: join(dataDir, "storage") } }),
    ]);
    const connectionString = String(broker.facts["connectionString"]);
    client = new ServiceBusClient(connectionString);
    host = await startFixture("messages", {
      options: {
        settings: {
          ServiceBusConnection: connectionString,
          AzureWebJobsStorage: String(storage.facts["connectionString"]),
          STORAGE_QUEUE: "stored",
        },
      },
    });
  });

  afterAll(async () => {
    await host.stop();
    await client.close();
    await Promise.all([broker.stop(), storage.stop()]);
    rmSync(dataDir, { recursive: true, force: true });
  });

  const send = async (entity: string, messages: ServiceBusMessage[]): Promise<void> => {
    const sender = client.createSender(entity);
    await sender.sendMessages(messages);
    await sender.close();
  };

  const seen = (name: string, count: number): Promise<Seen[]> =>
    eventually(async () => {
      const all = (await (await fetch(`${host.url}/api/seen`)).json()) as Seen[];
      const own = all.filter((entry) => entry.name === name);
      return own.length >= count ? own : undefined;
    });

  it("show a function its message with the platform's shapes and traps", async () => {
    await send("single", [
      {
        body: { a: 1 },
        messageId: "12345678901234567890",
        correlationId: "true",
        subject: "label",
        applicationProperties: { Tenant: "a", n: 1 },
      },
    ]);
    const [message] = await seen("single", 1);
    expect(message?.body).toEqual({ a: 1 });
    expect(message?.metadata).toMatchObject({
      messageId: 12345678901234567000,
      correlationId: true,
      deliveryCount: 1,
      subject: "label",
      label: "label",
      applicationProperties: { tenant: "a", n: 1 },
      userProperties: { tenant: "a", n: 1 },
      lockToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sequenceNumber: 1,
    });
    expect(message?.metadata["enqueuedTimeUtc"]).toMatch(/^[\d-]+T[\d:]+(\.\d+)?$/);
    expect(message?.metadata["enqueuedTime"]).toMatch(/\+00:00$/);
  });

  it("hand over batches with arrays of metadata", async () => {
    await send("many", [
      { body: "one", messageId: "m1" },
      { body: 2, messageId: "m2" },
      { body: "x", messageId: "m3" },
    ]);
    const batches = await eventually(async () => {
      const all = await seen("many", 1);
      return all.flatMap(({ body }) => body as unknown[]).length === 3 ? all : undefined;
    });
    expect(batches.flatMap(({ body }) => body)).toEqual(["one", 2, "x"]);
    expect(batches.flatMap(({ metadata }) => metadata["messageIdArray"])).toEqual([
      "m1",
      "m2",
      "m3",
    ]);
    expect(batches.flatMap(({ metadata }) => metadata["deliveryCountArray"])).toEqual([1, 1, 1]);
  });

  it("serve sessions in order", async () => {
    const numbers = [1, 2, 3];
    await send(
      "sessions",
      numbers.flatMap((n) =>
        ["a", "b"].map((sessionId) => ({ body: `${sessionId}${n}`, sessionId })),
      ),
    );
    const all = await seen("sessions", 6);
    for (const id of ["a", "b"]) {
      const own = all
        .filter(({ metadata }) => metadata["sessionId"] === id)
        .map(({ body }) => body);
      expect(own).toEqual(numbers.map((n) => `${id}${n}`));
    }
  });

  it("receive from subscriptions", async () => {
    await send("topic", [{ body: "news" }]);
    expect((await seen("subscribed", 1))[0]?.body).toBe("news");
  });

  it("deliver again what failed, and leave it to the dead-letter queue in the end", async () => {
    await send("failing", [{ body: "bad", messageId: "bad-1" }]);
    const [dead] = await seen("deadLetters", 1);
    expect(dead?.metadata).toMatchObject({
      messageId: "bad-1",
      applicationProperties: { deadLetterReason: "MaxDeliveryCountExceeded" },
    });
    const attempts = await seen("failing", 3);
    expect(attempts.map(({ metadata }) => metadata["deliveryCount"])).toEqual([1, 2, 3]);
  });

  it("never mix up outcomes of messages that end in the same turn", async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    await send(
      "mixed",
      numbers.map((body) => ({ body })),
    );
    const byNumber = (a: unknown, b: unknown): number => Number(a) - Number(b);
    const dead = (await seen("mixedDead", 50)).map(({ body }) => body).sort(byNumber);
    expect(dead).toEqual(numbers.filter((number) => number % 2 === 1));
    const handled = (await seen("mixed", 100)).map(({ body }) => body).sort(byNumber);
    expect(handled).toEqual(numbers);
  });

  it("send what output bindings carry, to Service Bus and to a storage queue", async () => {
    await send("forward", [{ body: { n: 7 } }]);
    const [stored] = await seen("stored", 1);
    expect(stored?.body).toEqual({ forwarded: { n: 7 } });
    expect(stored?.metadata).toMatchObject({ dequeueCount: 1, forwarded: { n: 7 } });
    const bodies = (await seen("single", 3)).map(({ body }) => body);
    expect(bodies).toContainEqual({ forwarded: { n: 7 } });
    expect(bodies).toContain("as text");
  });

  it("go on after the broker was killed and came back", async () => {
    const port = Number(broker.facts["port"]);
    await broker.stop("SIGKILL");
    broker = await startBroker(port);
    await settleInTime(client.close());
    client = new ServiceBusClient(String(broker.facts["connectionString"]));
    await send("single", [{ body: "after" }]);
    // What was being settled when the broker died may come once more, before or after it.
    await eventually(async () =>
      (await seen("single", 1)).some(({ body }) => body === "after") ? true : undefined,
    );
  });
});
