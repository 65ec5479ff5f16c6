import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TableClient } from "@azure/data-tables";
import { BlobServiceClient } from "@azure/storage-blob";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type FaultyStorage,
  type StorageCall,
  startFaultyStorage,
} from "../support/faulty-storage.ts";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { runByHand } from "../support/run-by-hand.ts";
import { makeDataDir, startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const PATIENCE_MS = 90_000;
const patiently = { timeout: PATIENCE_MS };
// Each look asks for another run of a timer's function.
const nowAndThen = { ...patiently, interval: 1000 };
const CALLER = { "X-UserProfile": "red" };
// Rows of one partition go together, in a batch that names the table.
const isOfJobs = ({ service, target, body }: StorageCall): boolean =>
  service === "table" && (target.includes("/gatewayJobs") || body.includes("/gatewayJobs"));

let backend: HoldingBackend;
let storage: FaultyStorage;
let dataDir: string;
let env: Record<string, string>;
let stack: TestStack;

beforeAll(async () => {
  dataDir = makeDataDir();
  backend = await startHoldingBackend();
  storage = await startFaultyStorage(join(dataDir, "own-storage"));
  const profiles = join(dataDir, "profiles.json");
  const config = "enabled=true, containername=results-red, topic=status-red";
  writeFileSync(profiles, JSON.stringify([{ userId: "red", "async-config": config }]));
  env = {
    AzureWebJobsStorage: storage.connectionString,
    Host1: `host=${backend.url};mode=direct`,
    UseProfiles: "true",
    UserConfigUrl: `file:${profiles}`,
    AsyncTriggerTimeout: "300",
    GATEWAY_JOBS_RECONCILE_SECONDS: "1",
    // Whatever has a body has a blob for it.
    GATEWAY_MESSAGING_INLINE_BYTES: "1",
  };
  stack = await startStack({ env, dataDir });
}, 120_000);
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await storage?.[Symbol.asyncDispose]();
  backend?.release();
  await backend?.[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

const ask = (path: string, wish: Record<string, string> = { S7PAsyncMode: "true" }) =>
  fetch(`${stack.url}${path}`, {
    method: "POST",
    headers: { ...CALLER, ...wish },
    body: '{"stream":true}',
  });

async function listed(): Promise<{ id: string; state: string }[]> {
  const response = await fetch(`${stack.url}/jobs`, { headers: CALLER });
  return ((await response.json()) as { jobs: { id: string; state: string }[] }).jobs;
}

const blobs = () => BlobServiceClient.fromConnectionString(storage.direct);

/** Names of all blobs that belong to a job, whatever container they are in. */
async function blobsOf(jobId: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of blobs().listContainers()) {
    for await (const blob of blobs().getContainerClient(name).listBlobsFlat()) {
      if (blob.name.includes(jobId)) found.push(`${name}/${blob.name}`);
    }
  }
  return found;
}

/** Keys of all rows that speak of a job. */
async function rowsOf(jobId: string): Promise<string[]> {
  const table = TableClient.fromConnectionString(storage.direct, "gatewayJobs", {
    allowInsecureConnection: true,
  });
  const found: string[] = [];
  for await (const row of table.listEntities()) {
    if (JSON.stringify(row).includes(jobId)) found.push(`${row.partitionKey}/${row.rowKey}`);
  }
  return found;
}

async function textOf(container: string, name: string): Promise<string> {
  return (
    await blobs().getContainerClient(container).getBlobClient(name).downloadToBuffer()
  ).toString();
}

describe("while the storage fails", () => {
  it("V108: a caller whose request cannot become a job gets the real answer, and no job is left", async () => {
    const refused = storage.fail((request) =>
      isOfJobs(request) && request.method !== "GET" ? "refused" : undefined,
    );
    const asking = ask("/hold");
    await expect.poll(() => backend.held, patiently).toBe(1);
    await expect.poll(refused, patiently).toBeGreaterThan(0);
    backend.release();
    const response = await asking;
    expect([response.status, await response.text()]).toEqual([200, "ok"]);
    storage.fail(() => undefined);
    expect(await listed()).toEqual([]);
  });

  it("V102: both files can be read the moment the end is told, however slowly they are written", async () => {
    const accepted = await ask("/hold");
    expect(accepted.status).toBe(202);
    const location = accepted.headers.get("location") ?? "";
    const id = location.split("/").at(-1) ?? "";
    const late = storage.fail(({ service, method, target, body }) => {
      const isFile = service === "blob" && method === "PUT" && target.includes("results-red");
      const isOutcome = service === "table" && body.includes('"outcome"');
      return isFile || isOutcome ? { lateMs: 2000 } : undefined;
    });
    const events = await fetch(`${stack.url}${location}/events`, { headers: CALLER });
    // What waits in a lane may get its 202 before its turn.
    await expect.poll(() => backend.held, patiently).toBe(1);
    backend.release();
    let told = "";
    for await (const chunk of events.body ?? []) {
      told += Buffer.from(chunk).toString();
      if (told.includes('"isFinal":true')) break;
    }
    const files = await Promise.all([
      textOf("results-red", id),
      textOf("results-red", `${id}-Headers`),
    ]);
    storage.fail(() => undefined);
    expect(told).toContain('"status":"AsyncProcessed"');
    expect(late()).toBeGreaterThanOrEqual(3);
    expect(files[0]).toBe("ok");
    expect(JSON.parse(files[1] ?? "")).toMatchObject({ Guid: id, Status: "OK" });
  });
});

describe("a job that was stored, and whose maker was killed before it was sent on its way", () => {
  it("is sent by its orchestrator, ends, and leaves nothing behind when its time is over", async () => {
    const before = await listed();
    const stored = storage.fail((request) =>
      isOfJobs(request) && request.body.includes('"RowKey":"job"') ? "unanswered" : undefined,
    );
    const asking = ask("/now", { Prefer: "respond-async" }).then(
      (response) => response.status,
      () => "broken",
    );
    await expect.poll(stored, patiently).toBe(1);
    const [orphan] = await until(
      async () => {
        const fresh = (await listed()).filter(({ id }) => before.every((job) => job.id !== id));
        return fresh.length > 0 ? fresh : undefined;
      },
      PATIENCE_MS,
      "The row of the job",
    );
    await stack.crash();
    expect(await asking).toBe("broken");
    storage.fail(() => undefined);

    stack = await startStack({ env, dataDir });
    const location = `/jobs/${orphan?.id}`;
    const ended = await finishedJob(stack.url, location, { headers: CALLER });
    expect([ended.state, ended.attempts]).toEqual(["succeeded", 1]);
    expect(await (await fetch(`${stack.url}${location}/result`, { headers: CALLER })).text()).toBe(
      "ok",
    );
    expect((await blobsOf(ended.id)).length).toBeGreaterThanOrEqual(2);
    await stack.stop();

    stack = await startStack({ env: { ...env, GATEWAY_JOBS_RETENTION_SECONDS: "1" }, dataDir });
    await expect
      .poll(async () => {
        await runByHand(stack, "jobSweep");
        return (await fetch(`${stack.url}${location}`, { headers: CALLER })).status;
      }, nowAndThen)
      .toBe(404);
    await expect.poll(() => rowsOf(ended.id), patiently).toEqual([]);
    expect(await blobsOf(ended.id)).toEqual([]);
    expect((await listed()).map(({ id }) => id)).not.toContain(ended.id);
  }, 240_000);
});
