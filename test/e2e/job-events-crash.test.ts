import { rmSync } from "node:fs";
import { ServiceBusClient } from "@azure/service-bus";
import { describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { finishedJob } from "../support/job-client.ts";
import { makeDataDir, startStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const JOBS = 30;
const PATIENCE_MS = 120_000;
const STATUSES = ["Queued", "Processing", "AsyncProcessing", "AsyncProcessed"];

interface TopicMessage {
  readonly RequestGuid: string;
  readonly sequence: number;
  readonly Status: string;
}

/** What a job's topic got: for each job its numbers and statuses, in the order of arrival. */
type Told = Map<string, { sequences: number[]; statuses: string[] }>;

describe("kill -9 of everything", () => {
  it("leaves each job's states told once and in order, the end included", async () => {
    const dataDir = makeDataDir();
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const brokerPort = await freePort();
    const env = {
      LOCAL_BROKER_PORT: String(brokerPort),
      GATEWAY_JOBS_TOPIC: "job-status",
    };
    const before = await startStack({ dataDir, env });
    const locations = await Promise.all(Array.from({ length: JOBS }, () => startJob(before.url)));
    // In the middle of it: some have ended, some run, some wait.
    await finishedJob(before.url, locations[0] ?? "", { withinMs: PATIENCE_MS });
    await before.crash();

    await using after = await startStack({ dataDir, env });
    await Promise.all(
      locations.map((location) => finishedJob(after.url, location, { withinMs: PATIENCE_MS })),
    );
    const told: Told = new Map();
    const bus = new ServiceBusClient(
      `Endpoint=sb://127.0.0.1:${brokerPort};SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true;`,
    );
    onTestFinished(() => bus.close());
    await drain(bus, told, ({ size }, ended) => size === JOBS && ended === JOBS);

    for (const { sequences, statuses } of told.values()) {
      expect(sequences).toEqual(statuses.map((_, index) => index + 1));
      // A call that broke off with its backend may have been tried again; all else is as ever.
      const course = statuses.filter((status) => STATUSES.includes(status));
      expect([...new Set(course)]).toEqual(STATUSES);
      expect(statuses.at(-1)).toBe("AsyncProcessed");
      expect(statuses.filter((status) => status === "AsyncProcessed")).toHaveLength(1);
    }
  });
});

async function startJob(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      S7PAsyncMode: "true",
      "x-sim-ttft-ms": "400",
      "x-sim-output-tokens": "20",
    },
    body: JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.text();
  expect(response.status).toBe(202);
  return response.headers.get("location") ?? "";
}

/** Receives until enough was told, and then what else comes in a moment. */
async function drain(
  bus: ServiceBusClient,
  told: Told,
  isEnough: (told: Told, ended: number) => boolean,
): Promise<void> {
  const receiver = bus.createReceiver("job-status", "all", { receiveMode: "receiveAndDelete" });
  const take = async (): Promise<void> => {
    const messages = await receiver.receiveMessages(200, { maxWaitTimeInMs: 1000 });
    for (const { body } of messages) {
      const { RequestGuid, sequence, Status } = body as TopicMessage;
      const job = told.get(RequestGuid) ?? { sequences: [], statuses: [] };
      told.set(RequestGuid, job);
      job.sequences.push(sequence);
      job.statuses.push(Status);
    }
  };
  const endedIn = (jobs: Told): number =>
    [...jobs.values()].filter(({ statuses }) => statuses.includes("AsyncProcessed")).length;
  await until(
    async () => {
      await take();
      return isEnough(told, endedIn(told)) || undefined;
    },
    PATIENCE_MS,
    "The end of every job on the topic",
  );
  await take();
  await receiver.close();
}
