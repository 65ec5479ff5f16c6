import { rmSync } from "node:fs";
import { join } from "node:path";
import { ServiceBusClient } from "@azure/service-bus";
import { expect, it, onTestFinished } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { shippedLanes } from "../../shared/config/index.ts";
import { startHoldingBackend } from "../support/holding-backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { partPid } from "../support/part-pid.ts";
import { startBrokerWith } from "../support/short-locks.ts";
import { makeDataDir, OPERATOR_KEY, startStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const PATIENCE_MS = 90_000;
const patiently = { timeout: PATIENCE_MS };
const QUEUES = ["lane-standard", "lane-background"];
const LOCKS = { queues: QUEUES, lockMs: 8000 };

/** Uses up all deliveries of a queue's one message but the last. */
async function wearOut(bus: ServiceBusClient, queue: string): Promise<void> {
  const most = shippedLanes().lanes.find((lane) => lane.queue === queue)?.maxDeliveryCount ?? 0;
  const receiver = bus.createReceiver(queue);
  for (let deliveries = 0; deliveries < most - 1; ) {
    const message = await until(
      async () => (await receiver.receiveMessages(1, { maxWaitTimeInMs: 1000 }))[0],
      PATIENCE_MS,
      `A message in ${queue}`,
    );
    await receiver.abandonMessage(message);
    // The client counts from 0.
    deliveries = (message.deliveryCount ?? 0) + 1;
  }
  await receiver.close();
}

it("ends a job, and the line of a batch, whose worker is killed with kill -9 on the last delivery", async () => {
  const dataDir = makeDataDir();
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const broker = await startBrokerWith(LOCKS, join(dataDir, "own-broker"));
  onTestFinished(() => broker.close());
  await using backend = await startHoldingBackend();
  onTestFinished(() => backend.release());
  const env = {
    // The one that is killed must come again where it was.
    PORT: String(await freePort()),
    ServiceBusConnection: broker.connectionString,
    Host1: `host=${backend.url};mode=direct`,
    GATEWAY_DEAD_LETTERS_SCHEDULE: "* * * * * *",
  };
  const before = await startStack({ env, dataDir });
  const line = { custom_id: "c", method: "POST", url: "/hold", body: {} };
  const send = async (path: string, body: string): Promise<string> => {
    const headers = { S7PAsyncMode: "true" };
    const response = await fetch(`${before.url}${path}`, { method: "POST", headers, body });
    expect(response.status).toBe(202);
    return response.headers.get("location") ?? "";
  };
  const job = await send("/hold", "question");
  const batch = await send("/jobs/batch", JSON.stringify(line));
  await expect.poll(() => backend.held, patiently).toBe(2);
  await before.crash();
  const bus = new ServiceBusClient(broker.connectionString);
  await Promise.all(QUEUES.map((queue) => wearOut(bus, queue)));
  await bus.close();

  await using stack = await startStack({ env, dataDir });
  await expect.poll(() => backend.held, patiently).toBe(4);
  const worker = await partPid(stack.pid, "host");
  if (worker === undefined) throw new Error("There is no worker.");
  process.kill(worker, "SIGKILL");
  // Another takes its place.
  await until(
    async () => {
      const isAnother = (await partPid(stack.pid, "host")) !== worker;
      const answer = await fetch(`${stack.url}/liveness`).catch(() => undefined);
      return isAnother && answer?.status === 200 ? true : undefined;
    },
    PATIENCE_MS,
    "Another worker",
  );

  const within = { withinMs: PATIENCE_MS };
  expect(await finishedJob(stack.url, job, within)).toMatchObject({
    state: "failed",
    attempts: 1,
    error: { code: "delivery-failed" },
  });
  expect((await finishedJob(stack.url, batch, within)).state).toBe("succeeded");
  const errors = await fetch(`${stack.url}${batch}/errors`);
  expect(await errors.json()).toMatchObject({ error: { code: "delivery-failed" } });
  const events = await (await fetch(`${stack.url}${job}/events`)).text();
  expect(events.match(/"isFinal":true/g)).toHaveLength(1);
  expect(backend.seen).toHaveLength(4);
  const letters = await fetch(`${stack.url}/operations/dead-letters`, {
    headers: { "x-operator-key": OPERATOR_KEY },
  });
  expect(await letters.json()).toMatchObject({
    deadLetters: expect.arrayContaining(QUEUES.map((queue) => expect.objectContaining({ queue }))),
  });
}, 180_000);
