import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { workersEach } from "../support/shape.ts";
import { makeDataDir, startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const TRIGGER_MS = 1000;
const ASYNC = { S7PAsyncMode: "true" };
const BODY = "x".repeat(5000);

interface Held {
  readonly target: string;
  answer(status?: number): void;
}

let held: Held[] = [];
let requeues = 0;
let backend: TestBackend;
let stack: TestStack;

beforeAll(async () => {
  backend = await startBackend(({ target }, response) => {
    if (target.startsWith("/fast")) return void response.end("fast");
    if (target.startsWith("/requeue") && requeues++ === 0) {
      return void response.writeHead(429, { S7PREQUEUE: "true", "retry-after-ms": "500" }).end();
    }
    const answer = (status = 200): void => {
      response.writeHead(status, { "x-answer": "late" });
      response.end(BODY);
    };
    held.push({ target, answer });
  });
  stack = await startStack({ env: envFor("auto") });
});
afterAll(async () => {
  for (const { answer } of held) answer();
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const envFor = (mode: string): Record<string, string> => ({
  Host1: `host=${backend.url};mode=direct;path=/`,
  Workers: workersEach(2),
  GATEWAY_SYNC_MODE: mode,
  AsyncTriggerTimeout: String(TRIGGER_MS),
  GATEWAY_JOBS_RECONCILE_SECONDS: "2",
  GATEWAY_JOBS_MAX_ATTEMPTS: "1",
});

const callsOf = (target: string): number =>
  backend.seen.filter((request) => request.target === target).length;

async function heldCall(target: string): Promise<Held> {
  const find = async () => held.find((call) => call.target === target);
  const call = await until(find, 60_000, `A call of ${target}`);
  held = held.filter((other) => other !== call);
  return call;
}

async function promoted(on: TestStack, target: string, headers: Record<string, string> = ASYNC) {
  const startedAt = performance.now();
  const response = await fetch(`${on.url}${target}`, { method: "POST", headers, body: "ask" });
  const tookMs = performance.now() - startedAt;
  expect(response.status).toBe(202);
  const document = (await response.json()) as Record<string, unknown>;
  return { tookMs, document, response, location: response.headers.get("location") ?? "" };
}

const modes = [
  ["auto", () => stack],
  ["queued", () => queuedStack],
] as const;
let queuedStack: TestStack;
beforeAll(async () => {
  queuedStack = await startStack({ env: envFor("queued") });
});
afterAll(() => queuedStack?.[Symbol.asyncDispose]());

describe.each(modes)("a request that asks for a job and is served %s", (mode, on) => {
  const path = (name: string): string => `/${name}-${mode}`;

  it("V97: is an ordinary answer when that comes in time, and leaves nothing behind", async () => {
    // Patience of its own, so that a slow machine does not make the answer late.
    const headers = { ...ASYNC, Prefer: "wait=60" };
    const response = await fetch(`${on().url}${path("fast")}`, { headers });
    expect([response.status, await response.text()]).toEqual([200, "fast"]);
    expect(response.headers.get("location")).toBeNull();
    const list = await fetch(`${on().url}/jobs`);
    expect(await list.json()).toEqual({ jobs: [] });
  });

  it("V98: gets its 202 on time, and the same call's answer as the job's result", async () => {
    const target = path("slow");
    const { tookMs, document, response, location } = await promoted(on(), target);
    expect(tookMs).toBeGreaterThan(TRIGGER_MS * 0.9);
    expect(Object.keys(document).slice(0, 8)).toEqual([
      "Message",
      "UserId",
      "MID",
      "Guid",
      "Status",
      "Timestamp",
      "DataBlobUri",
      "HeaderBlobUri",
    ]);
    expect(response.headers.get("x-data-blob-uri")).toBe(document["DataBlobUri"]);
    expect(response.headers.get("x-header-blob-uri")).toBe(document["HeaderBlobUri"]);
    await expect.poll(async () => (await fetch(`${on().url}${location}`)).status).toBe(202);
    (await heldCall(target)).answer();
    const job = await finishedJob(on().url, location);
    expect(job).toMatchObject({ state: "succeeded", attempts: 1 });
    const result = await fetch(`${on().url}${location}/result`);
    expect([result.status, result.headers.get("x-answer")]).toEqual([200, "late"]);
    expect(await result.text()).toBe(BODY);
    expect(callsOf(target)).toBe(1);
  });

  it("V106: gets its 202 though the backend asked to come again before", async () => {
    requeues = 0;
    const target = path("requeue");
    const { location } = await promoted(on(), target);
    (await heldCall(target)).answer();
    expect(await finishedJob(on().url, location)).toMatchObject({ state: "succeeded" });
    expect(callsOf(target)).toBe(2);
  });

  it("gets its 202 while it still waits for its turn, and runs once", async () => {
    const blockers = await Promise.all([1, 2].map((n) => promoted(on(), path(`block-${n}`))));
    // One of them may have waited, with a slot free at another host.
    for (const n of [1, 2]) await expect.poll(() => callsOf(path(`block-${n}`))).toBe(1);
    const waiting = await promoted(on(), path("waiting"));
    expect(callsOf(path("waiting"))).toBe(0);
    for (const n of [1, 2]) (await heldCall(path(`block-${n}`))).answer();
    (await heldCall(path("waiting"))).answer();
    for (const { location } of [...blockers, waiting]) {
      expect(await finishedJob(on().url, location)).toMatchObject({ state: "succeeded" });
    }
    expect(callsOf(path("waiting"))).toBe(1);
  });

  it("V103: ends failed with the late error as its result, once", async () => {
    const target = path("late-error");
    const { location } = await promoted(on(), target);
    (await heldCall(target)).answer(500);
    const job = await finishedJob(on().url, location);
    expect(job).toMatchObject({ state: "failed", result: { status: 500 } });
    expect((await fetch(`${on().url}${location}/result`)).status).toBe(500);
  });

  it("V105: expires at its time to live, and gives its slot back", async () => {
    // Much longer than the trigger: the 202 must come before.
    const headers = { ...ASYNC, S7PTTL: "9" };
    const jobs = await Promise.all([1, 2].map((n) => promoted(on(), path(`ttl-${n}`), headers)));
    for (const { location } of jobs) {
      expect(await finishedJob(on().url, location)).toMatchObject({ state: "expired" });
    }
    expect((await fetch(`${on().url}${path("fast")}`)).status).toBe(200);
  });

  it("is stopped when its job is cancelled", async () => {
    const jobs = await Promise.all([1, 2].map((n) => promoted(on(), path(`cancel-${n}`))));
    for (const { location } of jobs) {
      const answer = await fetch(`${on().url}${location}`, { method: "DELETE" });
      expect(await answer.json()).toMatchObject({ state: "cancelled" });
    }
    expect((await fetch(`${on().url}${path("fast")}`)).status).toBe(200);
  });

  it("V99: waits as long as it takes when nothing asks for a job", async () => {
    for (const headers of [{}, { S7PAsyncMode: "false" }, { S7PAsyncMode: "1" }]) {
      const target = path(`plain-${JSON.stringify(headers).length}`);
      const answering = fetch(`${on().url}${target}`, { headers });
      const call = await heldCall(target);
      expect(await isUnansweredPastTrigger(on(), answering)).toBe(true);
      call.answer();
      expect((await answering).status).toBe(200);
    }
  });

  it("waits as long as the client prefers", async () => {
    const headers = { Prefer: "respond-async, wait=1" };
    const { response, location } = await promoted(on(), path("prefers"), headers);
    expect(response.headers.get("preference-applied")).toBe("respond-async, wait=1");
    (await heldCall(path("prefers"))).answer();
    expect(await finishedJob(on().url, location)).toMatchObject({ state: "succeeded" });
  });
});

let laterJobs = 0;

/** Whether a request that came earlier waits on, when one that asks for a job has got its 202. */
async function isUnansweredPastTrigger(
  on: TestStack,
  answering: Promise<Response>,
  headers: Record<string, string> = ASYNC,
): Promise<boolean> {
  let isAnswered = false;
  const note = (): void => {
    isAnswered = true;
  };
  answering.then(note, note);
  const target = `/later-${laterJobs++}`;
  const { location } = await promoted(on, target, headers);
  const wasUnanswered = !isAnswered;
  (await heldCall(target)).answer();
  const job = await finishedJob(on.url, location, { headers });
  expect(job).toMatchObject({ state: "succeeded" });
  return wasUnanswered;
}

// Each has a stack of its own, and most of its time is a lease that has to end.
describe.concurrent("a promoted job", () => {
  it.each(["SIGTERM", "SIGKILL"] as const)(
    "V109: ends once, with one result, when its instance ends by %s",
    async (signal) => {
      const dataDir = makeDataDir();
      const before = await startStack({ dataDir, env: envFor("direct") });
      const target = `/restart-${signal}`;
      const { location } = await promoted(before, target);
      const lost = await heldCall(target);
      if (signal === "SIGKILL") await before.crash();
      else await before.stop();
      lost.answer();
      await using restarted = await startStack({ dataDir, env: envFor("direct") });
      (await heldCall(target)).answer();
      const job = await finishedJob(restarted.url, location, { withinMs: 120_000 });
      expect(job).toMatchObject({ state: "succeeded", attempts: 2 });
      expect(await (await fetch(`${restarted.url}${location}/result`)).text()).toBe(BODY);
    },
  );

  it("V100: is not made for a caller whose profile allows none", async () => {
    const dataDir = makeDataDir();
    const profiles = join(dataDir, "profiles.json");
    const asyncConfig = "enabled=true, containername=ann, topic=ann";
    writeFileSync(
      profiles,
      JSON.stringify([
        { userId: "ann", "async-config": asyncConfig },
        { userId: "ben", "async-config": "enabled=false" },
      ]),
    );
    const env = { ...envFor("auto"), UseProfiles: "true", UserConfigUrl: `file:${profiles}` };
    await using profiled = await startStack({ dataDir, env });
    const ben = { ...ASYNC, "X-UserProfile": "ben" };
    const answering = fetch(`${profiled.url}/profiled-ben`, { headers: ben });
    const call = await heldCall("/profiled-ben");
    const ann = { ...ASYNC, "X-UserProfile": "ann" };
    expect(await isUnansweredPastTrigger(profiled, answering, ann)).toBe(true);
    call.answer();
    expect((await answering).status).toBe(200);
  });
});
