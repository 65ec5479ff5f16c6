import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { ServiceBusClient, type ServiceBusReceivedMessage } from "@azure/service-bus";
import { startChild } from "../../local/child-service.ts";
import { type Figure, printFigures, quantile } from "./figures.ts";

const QUEUE = "bench";
const IN_FLIGHT = 32;
const WARM_UP_MESSAGES = 2_000;
const MESSAGES = 10_000;
const PACED_PER_SECOND = 500;
const PACED_SECONDS = 8;
const PACE_STEP_MS = 2;
const PADDING = "x".repeat(200);

type OnMessage = (message: ServiceBusReceivedMessage) => void;

/** Receives and completes for ever; `onMessage` runs first. */
function subscribe(client: ServiceBusClient, onMessage: OnMessage) {
  return client.createReceiver(QUEUE).subscribe(
    {
      processMessage: async (message) => onMessage(message),
      processError: async ({ error }) => {
        throw error;
      },
    },
    { maxConcurrentCalls: IN_FLIGHT },
  );
}

/** Sends one by one on 32 lanes; resolves when all of it has been received and completed. */
async function throughput(client: ServiceBusClient, messages: number): Promise<number> {
  const sender = client.createSender(QUEUE);
  let received = 0;
  const startedAt = performance.now();
  const allReceived = new Promise<void>((resolve) => {
    onMessage = () => {
      received += 1;
      if (received === messages) resolve();
    };
  });
  let left = messages;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await sender.sendMessages({ body: { at: left, padding: PADDING } });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  await allReceived;
  await sender.close();
  return (messages * 1000) / (performance.now() - startedAt);
}

/** Send-to-handler times at a steady rate, in milliseconds. */
async function latencies(client: ServiceBusClient): Promise<number[]> {
  const sender = client.createSender(QUEUE);
  const total = PACED_PER_SECOND * PACED_SECONDS;
  const samples: number[] = [];
  const allReceived = new Promise<void>((resolve) => {
    onMessage = ({ body }) => {
      samples.push(performance.now() - body.at);
      if (samples.length === total) resolve();
    };
  });
  const startedAt = performance.now();
  const sends: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) * PACED_PER_SECOND) / 1000);
      while (sends.length < Math.min(due, total)) {
        sends.push(sender.sendMessages({ body: { at: performance.now(), padding: PADDING } }));
      }
      if (sends.length < total) return;
      clearInterval(timer);
      resolve();
    }, PACE_STEP_MS);
  });
  await Promise.all(sends);
  await allReceived;
  await sender.close();
  return samples;
}

let onMessage: OnMessage = () => {};

/** Measures the broker in its own process with the real SDK in this one. */
export async function benchBroker(): Promise<Figure[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "broker-bench-"));
  const namespace = { queues: [{ name: QUEUE }], topics: [] };
  const broker = await startChild("broker", { options: { port: 0, dataDir, namespace } });
  const client = new ServiceBusClient(String(broker.facts["connectionString"]));
  try {
    const subscription = subscribe(client, (message) => onMessage(message));
    await throughput(client, WARM_UP_MESSAGES);
    const rate = await throughput(client, MESSAGES);
    const samples = await latencies(client);
    await subscription.close();
    return [
      {
        name: "broker: send, receive, complete, 32 in flight",
        value: rate,
        unit: "1/s",
        aim: ">= 2000",
      },
      {
        name: "broker: send to handler at 500/s, p50",
        value: quantile(samples, 0.5),
        unit: "ms",
        aim: "< 3",
      },
      {
        name: "broker: send to handler at 500/s, p99",
        value: quantile(samples, 0.99),
        unit: "ms",
        aim: "-",
      },
    ];
  } finally {
    await client.close();
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

if (import.meta.main) printFigures(await benchBroker());
