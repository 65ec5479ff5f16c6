import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BlobServiceClient,
  type ContainerClient,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { Agent, fetch as fetchWith } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReadLinks } from "../../shared/storage/index.ts";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { canMeasureMemory, hostGrowth } from "../support/host-memory.ts";
import { finishedJob } from "../support/job-client.ts";
import { MEMORY_PROBE } from "../support/memory-probe.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const MIB = 1024 * 1024;
const BLOCK = Buffer.alloc(MIB, "0123456789abcdef");
// The issue asks for 300 MB; `RESULT_MB=300` measures that.
const LARGE_MB = Number(process.env["RESULT_MB"] ?? 60);
// The case allows 100 MB for 300. What holds a smaller result holds more than this, too.
const MAX_GROWTH_MB = Math.min(100, LARGE_MB * 0.8);
const BYTES = randomBytes(100_000);
const access = (container: string, more = ""): string =>
  `enabled=true, containername=${container}, topic=status-${container}${more}`;
const PROFILES = [
  { userId: "ann", "async-config": access("files-ann", ", timeout=120, generateSAS=true") },
  { userId: "ben", "async-config": access("files-ben") },
];

// Azurite's public, well-known account.
const ACCOUNT = new StorageSharedKeyCredential(
  "devstoreaccount1",
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
);

let backend: TestBackend;
let stack: TestStack;
let folder: string;
let ca: string;
let trusting: Agent;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gateway-results-"));
  writeFileSync(join(folder, "profiles.json"), JSON.stringify(PROFILES));
  backend = await startBackend(({ target }, response) => {
    const blocks = Number(/\/blocks\/(\d+)/.exec(target)?.[1] ?? 0);
    if (target.startsWith("/teapot")) response.writeHead(422, { "X-Why": "tea" }).end("no coffee");
    else if (blocks > 0) void sendBlocks(response, blocks);
    else response.writeHead(200, { "Content-Type": "application/x-bytes" }).end(BYTES);
  });
  stack = await startStack({
    env: {
      ...MEMORY_PROBE,
      Host1: `host=${backend.url};mode=direct`,
      LOCAL_STORAGE_TLS: "true",
      UseProfiles: "true",
      UserConfigUrl: `file:${join(folder, "profiles.json")}`,
    },
  });
  ca = readFileSync(join(stack.dataDir, "tls", "cert.pem"), "utf8");
  trusting = new Agent({ connect: { ca } });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
  await trusting?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function sendBlocks(
  response: import("node:http").ServerResponse,
  blocks: number,
): Promise<void> {
  response.writeHead(200, { "content-length": blocks * MIB });
  for (let block = 0; block < blocks; block++) {
    if (!response.write(BLOCK)) await new Promise((resolve) => response.once("drain", resolve));
  }
  response.end();
}

interface Finished {
  readonly id: string;
  readonly state: string;
  readonly data: string;
  readonly headersFile: string;
}

async function jobOf(user: string, path = "/bytes", intervalMs = 50): Promise<Finished> {
  const headers = { "X-UserProfile": user, S7PAsyncMode: "true", Prefer: "respond-async" };
  const accepted = await fetch(`${stack.url}${path}`, { headers });
  expect(accepted.status).toBe(202);
  const location = accepted.headers.get("location") ?? "";
  await accepted.body?.cancel();
  const ended = { timeout: 150_000, interval: intervalMs };
  await expect.poll(() => statusOf(location, user), ended).toBe(200);
  const job = await finishedJob(stack.url, location, { headers: { "X-UserProfile": user } });
  const { links } = job as unknown as { links: { dataBlobUri: string; headerBlobUri: string } };
  return {
    id: job.id,
    state: job.state,
    data: links.dataBlobUri,
    headersFile: links.headerBlobUri,
  };
}

async function statusOf(location: string, user: string): Promise<number> {
  const response = await fetch(`${stack.url}${location}`, { headers: { "X-UserProfile": user } });
  await response.body?.cancel();
  return response.status;
}

const follow = (link: string, init: { method?: string; body?: string } = {}) =>
  fetchWith(link, { ...init, dispatcher: trusting });

/** The account as its owner sees it. */
function account(link: string): BlobServiceClient {
  const { origin } = new URL(link);
  return new BlobServiceClient(`${origin}/devstoreaccount1`, ACCOUNT, {
    tlsOptions: { ca },
  } as object);
}

async function namesIn(container: ContainerClient): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of container.listBlobsFlat()) names.push(name);
  return names;
}

describe("V98: results as files, in storage over https with identities", () => {
  it("are the exact bytes behind a signed link, and the original's fields beside them", async () => {
    const job = await jobOf("ann");
    expect(job.data).toMatch(
      /^https:\/\/127\.0\.0\.1:\d+\/devstoreaccount1\/files-ann\/[^?]+\?.*sig=/,
    );
    const data = await follow(job.data);
    expect([data.status, data.headers.get("content-type")]).toEqual([200, "application/x-bytes"]);
    expect(Buffer.from(await data.arrayBuffer()).equals(BYTES)).toBe(true);
    const beside = await (await follow(job.headersFile)).json();
    expect(beside).toMatchObject({
      Headers: { "Content-Type": "application/x-bytes" },
      UserId: "ann",
      MID: job.id,
      Guid: job.id,
      Status: "OK",
      BlobUri: job.data.split("?")[0],
    });
    const read = await fetch(`${stack.url}/jobs/${job.id}/result`, {
      headers: { "X-UserProfile": "ann" },
    });
    expect(Buffer.from(await read.arrayBuffer()).equals(BYTES)).toBe(true);
  });

  it("are read by a signed link, and neither written nor removed by it", async () => {
    const { data } = await jobOf("ann");
    const refused = await follow(data, { method: "DELETE" });
    expect(refused.status).toBe(403);
    const overwritten = await fetchWith(data, {
      method: "PUT",
      body: "mine",
      headers: { "x-ms-blob-type": "BlockBlob" },
      dispatcher: trusting,
    });
    expect(overwritten.status).toBe(403);
    expect((await follow(data)).status).toBe(200);
    // For this one file alone.
    const { search } = new URL(data);
    const other = await jobOf("ben");
    expect((await follow(`${other.data}${search}`)).status).toBe(403);
  });

  it("are closed to a link whose time is over", async () => {
    const { data, id } = await jobOf("ann");
    const past = new FakeClock(Date.now() - 60 * 60 * 1000);
    const service = account(data);
    const links = new ReadLinks({ open: async () => service, signWith: "sharedKey", clock: past });
    const blob = { container: "files-ann", name: id };
    expect((await follow(await links.signed(blob, 3_600_000 + 600_000))).status).toBe(200);
    expect((await follow(await links.signed(blob, 120_000))).status).toBe(403);
  });

  it("have plain links where the profile asks for no signed ones", async () => {
    const { data, headersFile, id } = await jobOf("ben");
    expect(new URL(data).pathname).toBe(`/devstoreaccount1/files-ben/${id}`);
    expect(headersFile).toBe(`${data}-Headers`);
    expect((await follow(data)).status).not.toBe(200);
  });
});

describe("V103: a result that is an error", () => {
  it("is kept with its status and its body", async () => {
    const job = await jobOf("ann", "/teapot");
    expect(job.state).toBe("failed");
    expect(await (await follow(job.data)).text()).toBe("no coffee");
    expect(await (await follow(job.headersFile)).json()).toMatchObject({
      Status: "UnprocessableEntity",
      Headers: { "X-Why": "tea" },
    });
  });
});

describe("V107: tenants", () => {
  it("find only their own results in their container, and nothing stays elsewhere", async () => {
    const [ann, ben] = await Promise.all([jobOf("ann"), jobOf("ben")]);
    const service = account(ann.data);
    const inAnn = await namesIn(service.getContainerClient("files-ann"));
    const inBen = await namesIn(service.getContainerClient("files-ben"));
    expect(inAnn).toEqual(expect.arrayContaining([ann.id, `${ann.id}-Headers`]));
    expect(inBen).toEqual(expect.arrayContaining([ben.id, `${ben.id}-Headers`]));
    expect(inAnn.filter((name) => inBen.includes(name))).toEqual([]);
    const own = await namesIn(service.getContainerClient("gateway-results"));
    expect(own.filter((name) => name.startsWith(ann.id) || name.startsWith(ben.id))).toEqual([]);
  });
});

describe.runIf(canMeasureMemory)("V110: a large result", () => {
  it(`of ${LARGE_MB} MB is kept and read in little memory`, async () => {
    const expected = createHash("sha256");
    for (let block = 0; block < LARGE_MB; block++) expected.update(BLOCK);
    const hashed = createHash("sha256");
    // What is loaded on first use is there before it is measured.
    await jobOf("ann", "/blocks/2");
    const growth = await hostGrowth(stack, async () => {
      // Asked seldom: what thousands of status calls allocate is not the result's.
      const job = await jobOf("ann", `/blocks/${LARGE_MB}`, 1000);
      const read = await fetch(`${stack.url}/jobs/${job.id}/result`, {
        headers: { "X-UserProfile": "ann" },
      });
      for await (const chunk of read.body ?? []) hashed.update(chunk);
    });
    expect(hashed.digest("hex")).toBe(expected.digest("hex"));
    expect(growth).toBeLessThan(MAX_GROWTH_MB * MIB);
  });
});
