import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { finishedJob, type JobView } from "../support/job-client.ts";
import { partPid } from "../support/part-pid.ts";
import { startBrokerWith } from "../support/short-locks.ts";
import { makeDataDir, OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";
import { type UnpackedApps, unpackApps } from "../support/unpacked-apps.ts";

const ASYNC = { S7PAsyncMode: "true" };
const REQUESTS = 40;
const BACKLOG = 40;
const BACKGROUND = 12;
/** Turns of both hosts within which whoever should pass has passed: a few go to lower classes in between. */
const SOON = 6;
const MOST_JOBS = 40;
/** A killed host's messages come back when their locks have run out. */
const LOCKS = { queues: ["lane-standard"], lockMs: 15_000 };
const AFTER_LOCKS_MS = 150_000;

let apps: UnpackedApps;
let backend: HoldingBackend;
let broker: Awaited<ReturnType<typeof startBrokerWith>>;
let dataDir: string;
let stack: TestStack;
let jobs: readonly [first: string, second: string];

beforeAll(async () => {
  apps = unpackApps();
  backend = await startHoldingBackend();
  dataDir = makeDataDir();
  broker = await startBrokerWith(LOCKS, join(dataDir, "own-broker"));
  stack = await startStack({
    dataDir,
    env: {
      ServiceBusConnection: broker.connectionString,
      Host1: `host=${backend.url};mode=direct`,
      LOCAL_ROLES: "stream,jobs,jobs",
      LOCAL_PACKAGES: apps.folder,
      Workers: "1",
      PriorityKeys: "hi,lo",
      PriorityValues: "1,3",
      AsyncTriggerTimeout: "1000",
      GATEWAY_JOBS_RECONCILE_SECONDS: "2",
    },
  });
  jobs = [urlOf("jobs-1"), urlOf("jobs-2")];
});
afterAll(async () => {
  backend?.release();
  await stack?.[Symbol.asyncDispose]();
  await broker?.close();
  await backend?.[Symbol.asyncDispose]();
  apps?.[Symbol.dispose]();
  rmSync(dataDir, { recursive: true, force: true });
});

function urlOf(host: string): string {
  const url = new RegExp(`^${host} (http://\\S+)$`, "m").exec(stack.output())?.[1];
  if (url === undefined) throw new Error(`There is no ${host}:\n${stack.output()}`);
  return url;
}

type Headers = Record<string, string>;
type Status = Awaited<ReturnType<TestStack["status"]>>;

/** A call whose answer is looked at later, or never when the test fails before. */
function get(url: string, headers: Headers = {}): Promise<Response> {
  const response = fetch(url, { headers });
  response.catch(() => {});
  return response;
}

async function statuses(): Promise<Status[]> {
  const headers = { "x-operator-key": OPERATOR_KEY };
  return Promise.all(
    jobs.map(
      async (url) => (await (await get(`${url}/operations/status`, headers)).json()) as Status,
    ),
  );
}

/** How many messages of a lane are in the hands of both hosts, waiting or running. */
async function inHands(lane: string): Promise<number> {
  const gates = (await statuses()).flatMap((status) => status.gates);
  return gates
    .filter((gate) => gate.lane === lane)
    .reduce((sum, gate) => sum + gate.running + gate.waiting, 0);
}

/** Resolves when each host runs what it can, and the backend holds all of that. */
async function settled(): Promise<void> {
  await eventually(async () => {
    const states = await statuses();
    const running = states.reduce((sum, { slots }) => sum + slots.running, 0);
    const isBusy = states.every(({ slots, waiting }) => slots.running === 1 || waiting.total === 0);
    return isBusy && running === backend.held;
  }).toBe(true);
}

/** Resolves when its connections are gone too: until then the broker may still send it messages. */
async function killHost(index: 0 | 1): Promise<void> {
  const pid = await partPid(stack.pid, "host", `"port":${new URL(jobs[index]).port},`);
  if (pid === undefined) throw new Error("There is no such host.");
  process.kill(pid, "SIGKILL");
  await eventually(() => isRunning(pid)).toBe(false);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Two held requests take the only slot of each host, whichever host receives them. */
async function blockBoth(): Promise<Promise<Response>[]> {
  const sent = [0, 1].map((n) => get(`${jobs[0]}/hold/block/${n}`));
  await eventually(() => backend.held).toBe(2);
  return sent;
}

/** Gives both hosts a turn, and one more, until the backend was asked for this; resolves with their number. */
async function turnsUntil(target: string): Promise<number> {
  for (let turns = 1; turns <= BACKLOG; turns++) {
    backend.release();
    await settled();
    if (targetsOf(target).length > 0) return turns;
  }
  return Number.POSITIVE_INFINITY;
}

/** The answers to all of them, while the backend answers whatever comes. */
async function answered(calls: readonly Promise<Response>[]): Promise<number[]> {
  const all = Promise.all(calls);
  await releaseUntil(all);
  return (await all).map(({ status }) => status);
}

const targetsOf = (prefix: string): string[] =>
  backend.seen.map(({ target }) => target).filter((target) => target.startsWith(prefix));

describe("the packages of both apps, unpacked and side by side", () => {
  it("serve direct requests at the stream app, which has no lanes and no jobs", async () => {
    expect((await get(`${stack.url}/direct`)).status).toBe(200);
    const refused = await get(`${stack.url}/direct`, ASYNC);
    const problem = (await refused.json()) as { code: string };
    expect([refused.status, problem.code]).toEqual([501, "async-unavailable"]);
  });

  it("say at the stream app that jobs and dead letters are elsewhere, and ask no backend for them", async () => {
    const operator = { "x-operator-key": OPERATOR_KEY };
    for (const path of ["/jobs", "/jobs/an-id/result", "/operations/dead-letters"]) {
      const refused = await get(`${stack.url}${path}`, operator);
      const problem = (await refused.json()) as { code: string };
      expect([path, refused.status, problem.code]).toEqual([path, 501, "async-unavailable"]);
    }
    expect((await get(`${stack.url}/openapi.json`)).status).toBe(200);
    expect(targetsOf("/jobs")).toEqual([]);
    expect(targetsOf("/operations")).toEqual([]);
  });

  it("give each of many queued requests its own answer, at the host that holds its connection", async () => {
    const answers = await Promise.all(
      Array.from({ length: REQUESTS }, async (_, n) => {
        const headers = { "X-UserID": `user-${n % 5}` };
        const response = await get(`${jobs[n % 2]}/queued/${n}`, headers);
        return [response.status, await response.text()];
      }),
    );
    expect(answers).toEqual(Array(REQUESTS).fill([200, "ok"]));
    const expected = Array.from({ length: REQUESTS }, (_, n) => `/queued/${n}`);
    expect(targetsOf("/queued/").toSorted()).toEqual(expected.toSorted());
  });

  it("let no message wait at a busy host once another has come that is idle", async () => {
    await killHost(1);
    // Both are received by the one that is there, and one of them waits.
    const held = [0, 1].map((n) => get(`${jobs[0]}/hold/alone/${n}`));
    await expect.poll(() => backend.held, { timeout: AFTER_LOCKS_MS }).toBe(2);
    expect((await statuses()).map(({ slots }) => slots.running)).toEqual([1, 1]);
    expect(await answered(held)).toEqual([200, 200]);
  });

  it("let an urgent request of one host pass what others sent to both", async () => {
    const blockers = await blockBoth();
    const background = Array.from({ length: BACKGROUND }, (_, n) =>
      get(`${jobs[n % 2]}/hold/lo/${n}`, { S7PPriorityKey: "lo" }),
    );
    await eventually(() => inHands("background")).toBe(BACKGROUND);
    const urgent = get(`${jobs[1]}/hold/hi`, { S7PPriorityKey: "hi" });
    await eventually(() => inHands("critical")).toBe(1);
    expect(await turnsUntil("/hold/hi")).toBeLessThanOrEqual(SOON);
    expect(targetsOf("/hold/lo").length).toBeLessThan(BACKGROUND);
    const all = [...blockers, urgent, ...background];
    expect(await answered(all)).toEqual(all.map(() => 200));
  });

  it("let a light user of one host pass the backlog that a heavy one sent to the other", async () => {
    const blockers = await blockBoth();
    const heavy = Array.from({ length: BACKLOG }, (_, n) =>
      get(`${jobs[0]}/hold/heavy/${n}`, { "X-UserID": "heavy" }),
    );
    await eventually(() => inHands("standard")).toBe(blockers.length + BACKLOG);
    const light = get(`${jobs[1]}/hold/light`, { "X-UserID": "light" });
    await eventually(() => inHands("standard")).toBe(blockers.length + BACKLOG + 1);
    expect(await turnsUntil("/hold/light")).toBeLessThanOrEqual(SOON);
    expect(targetsOf("/hold/heavy").length).toBeLessThan(BACKLOG / 2);
    const all = [...blockers, light, ...heavy];
    expect(await answered(all)).toEqual(all.map(() => 200));
    expect(new Set(targetsOf("/hold/heavy"))).toHaveLength(BACKLOG);
  });

  it("make a job of a request that takes too long, which is seen at both hosts", async () => {
    const response = await fetch(`${jobs[0]}/hold/promoted`, {
      method: "POST",
      headers: ASYNC,
      body: "ask",
    });
    expect(response.status).toBe(202);
    const location = response.headers.get("location") ?? "";
    await eventually(() => backend.held).toBe(1);
    for (const url of jobs) {
      const view = (await (await get(`${url}${location}`)).json()) as JobView;
      expect(["queued", "running"]).toContain(view.state);
    }
    backend.release();
    for (const url of [jobs[1], jobs[0]]) {
      expect(await finishedJob(url, location)).toMatchObject({ state: "succeeded", attempts: 1 });
      expect(await (await get(`${url}${location}/result`)).text()).toBe("ok");
    }
    expect(targetsOf("/hold/promoted")).toHaveLength(1);
  });

  it("finish every job when one of two hosts is killed", async () => {
    const locations: string[] = [];
    const runsOne = async () => (await statuses())[0]?.slots.running === 1;
    while (!(await runsOne()) && locations.length < MOST_JOBS) {
      const n = locations.length;
      const response = await get(`${jobs[n % 2]}/hold/killed/${n}`, ASYNC);
      expect(response.status).toBe(202);
      locations.push(response.headers.get("location") ?? "");
      await eventually(() => inHands("standard")).toBe(n + 1);
      await settled();
    }
    expect(await runsOne()).toBe(true);
    await killHost(0);
    const ends = Promise.all(
      locations.map((location) => finishedJob(jobs[1], location, { withinMs: AFTER_LOCKS_MS })),
    );
    await releaseUntil(ends);
    expect((await ends).map(({ state }) => state)).toEqual(locations.map(() => "succeeded"));
    // The host is back at its address, and knows them all.
    await eventually(
      async () => (await get(`${jobs[0]}/health/ready`).catch(() => undefined))?.status,
    ).toBe(200);
    for (const location of locations) {
      expect(await finishedJob(jobs[0], location)).toMatchObject({ state: "succeeded" });
    }
  });
});

/** Lets the backend answer whatever it comes to hold, until this has ended. */
async function releaseUntil(work: Promise<unknown>): Promise<void> {
  const timer = setInterval(() => backend.release(), 20);
  await work.finally(() => clearInterval(timer));
}
