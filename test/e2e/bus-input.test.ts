import {
  ServiceBusClient,
  type ServiceBusMessage,
  type ServiceBusReceivedMessage,
} from "@azure/service-bus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const PATIENCE_MS = 60_000;

let backend: HoldingBackend;
let stack: TestStack;
let bus: ServiceBusClient;
let connection: string;

beforeAll(async () => {
  backend = await startHoldingBackend();
  const brokerPort = await freePort();
  connection = `Endpoint=sb://127.0.0.1:${brokerPort};SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true;`;
  stack = await startStack({
    env: {
      LOCAL_BROKER_PORT: String(brokerPort),
      Host1: `host=${backend.url};mode=direct`,
    },
  });
  bus = new ServiceBusClient(connection);
});
afterAll(async () => {
  await bus?.close();
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

async function submit(...messages: ServiceBusMessage[]): Promise<void> {
  const sender = bus.createSender("submissions");
  await sender.sendMessages(messages);
  await sender.close();
}

const asUser = (user: string) => ({ "X-UserID": user });

/** How many messages a queue has that nobody has settled: a client of its own peeks from the first one on. */
async function waitingIn(queue: string): Promise<number> {
  const client = new ServiceBusClient(connection);
  try {
    return (await client.createReceiver(queue).peekMessages(100)).length;
  } finally {
    await client.close();
  }
}

/** The dead letters of a queue: a client of its own peeks from the first one on. */
async function deadLetters(queue: string): Promise<ServiceBusReceivedMessage[]> {
  const client = new ServiceBusClient(connection);
  try {
    return await client.createReceiver(queue, { subQueueType: "deadLetter" }).peekMessages(100);
  } finally {
    await client.close();
  }
}

const deadLetter = (queue: string, messageId: string): Promise<ServiceBusReceivedMessage> =>
  until(
    async () => (await deadLetters(queue)).find((each) => each.messageId === messageId),
    PATIENCE_MS,
    `The dead letter ${messageId}`,
  );

describe("a job put on the queue", () => {
  it("V113: is served with its path, method and body, and seen by its user as any job", async () => {
    const body = 'a "status" with createdAt and priority1: {"quoted"}\n';
    const job = { id: "order-1", user: "alice", path: "/hold?a=%2F", method: "PUT", priority: 1 };
    await submit({ messageId: "m-1", body: { ...job, headers: { "X-A": "1" }, body } });
    await expect.poll(() => backend.held, { timeout: PATIENCE_MS }).toBe(1);
    // Only now: two messages are taken in either order.
    await submit({ messageId: "m-2", body: { ...job, body: "a repetition says nothing new" } });
    await expect.poll(() => waitingIn("submissions"), { timeout: PATIENCE_MS }).toBe(0);
    backend.release();
    const view = await finishedJob(stack.url, "/jobs/order-1", { headers: asUser("alice") });
    expect(view).toMatchObject({ state: "succeeded", priority: 1, attempts: 1 });

    const result = await fetch(`${stack.url}/jobs/order-1/result`, { headers: asUser("alice") });
    expect(await result.text()).toBe("ok");
    const events = await fetch(`${stack.url}/jobs/order-1/events`, { headers: asUser("alice") });
    const names = [...(await events.text()).matchAll(/"status":"(\w+)"/g)].map(([, name]) => name);
    expect(names).toEqual(["Queued", "Processing", "AsyncProcessing", "AsyncProcessed"]);
    const others = await fetch(`${stack.url}/jobs/order-1`, { headers: asUser("bob") });
    expect(others.status).toBe(404);

    expect(backend.seen).toHaveLength(1);
    expect(backend.seen[0]).toMatchObject({ method: "PUT", target: "/hold?a=%2F" });
    expect(backend.seen[0]?.body.toString()).toBe(body);
  });

  it("is dead-lettered with a reason that its sender can use when it can never be accepted", async () => {
    await submit(
      { messageId: "bad-1", body: { id: "order-2", path: "/v1/x" }, correlationId: "mine" },
      { messageId: "bad-2", body: { id: "order-1", user: "mallory", path: "/v1/x" } },
    );
    const unreadable = await deadLetter("submissions", "bad-1");
    expect(unreadable).toMatchObject({
      deadLetterReason: "invalid-submission",
      deadLetterErrorDescription: expect.stringContaining("user"),
      correlationId: "mine",
      body: { id: "order-2", path: "/v1/x" },
    });
    const taken = await deadLetter("submissions", "bad-2");
    expect(taken.deadLetterReason).toBe("job-id-taken");
    // Once, not at each of several deliveries.
    expect(taken.deliveryCount).toBe(0);
  });
});
