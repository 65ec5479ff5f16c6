import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { workersEach } from "../support/shape.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const ANN = { "X-UserID": "ann" };
const ASYNC = { ...ANN, Prefer: "respond-async" };

let backend: HoldingBackend;
let stack: TestStack;
let validate: (name: string, value: unknown) => string | undefined;

beforeAll(async () => {
  backend = await startHoldingBackend();
  stack = await startStack({
    env: { Host1: `host=${backend.url};mode=direct;path=/`, Workers: workersEach(2) },
  });
  validate = await validator();
});
afterAll(async () => {
  backend?.release();
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

/** Holds a value against a schema of the document that the gateway serves; undefined when it fits. */
async function validator() {
  const document = (await (await fetch(`${stack.url}/openapi.json`)).json()) as object;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document, "openapi");
  return (name: string, value: unknown): string | undefined => {
    const check = ajv.getSchema(`openapi#/components/schemas/${name}`);
    if (!check) return `The document has no schema ${name}.`;
    return check(value) === true ? undefined : ajv.errorsText(check.errors);
  };
}

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${stack.url}${path}`, { headers: ANN, ...init });
  const value = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, value };
}

async function accept(target: string): Promise<string> {
  const { status, headers, value } = await ask(target, { headers: ASYNC });
  expect(status).toBe(202);
  expect(validate("AcceptedJob", value)).toBeUndefined();
  return headers.get("location") ?? "";
}

const cancel = (location: string) => ask(location, { method: "DELETE" });
const move = (location: string, priority: unknown) =>
  ask(location, { method: "PATCH", body: JSON.stringify({ priority }) });

describe("the job API", () => {
  it("V112: tells a job's state and links to its owner, and nothing to anybody else", async () => {
    const location = await accept("/fast");
    const job = await finishedJob(stack.url, location, { headers: ANN });
    expect(validate("Job", job)).toBeUndefined();
    expect(job).toMatchObject({
      state: "succeeded",
      attempts: 1,
      result: { status: 200, sizeBytes: 2 },
      links: { self: location, result: `${location}/result` },
    });
    for (const [path, headers] of [
      [location, { "X-UserID": "ben" }],
      [`${location}/result`, { "X-UserID": "ben" }],
      ["/jobs/00000000-0000-4000-8000-000000000000", ANN],
    ] as const) {
      const { status, value } = await ask(path, { headers });
      expect([status, value["code"]]).toEqual([404, "job-not-found"]);
      expect(validate("Problem", value)).toBeUndefined();
    }
  });

  it("aborts a running job that is cancelled, and never runs a waiting one", async () => {
    const locations = await Promise.all([1, 2, 3].map((n) => accept(`/hold/${n}`)));
    await until(async () => (backend.held === 2 ? true : undefined), 30_000, "Two calls");
    const states = await Promise.all(locations.map(async (path) => (await ask(path)).value));
    for (const state of states) expect(validate("Job", state)).toBeUndefined();
    const waiting = states.find(({ state }) => state === "queued");
    expect(states.filter(({ state }) => state === "running")).toHaveLength(2);

    const waitingAt = `/jobs/${String(waiting?.["id"])}`;
    expect((await cancel(waitingAt)).value).toMatchObject({ state: "cancelled", attempts: 0 });
    expect((await move(waitingAt, 1)).status).toBe(409);
    const running = locations.filter((path) => path !== waitingAt);
    expect((await move(running[0] ?? "", 1)).value["code"]).toBe("job-not-waiting");
    for (const path of running) {
      const { status, value } = await cancel(path);
      expect([status, value["state"]]).toEqual([200, "cancelled"]);
      expect(validate("Job", value)).toBeUndefined();
      expect((await cancel(path)).value).toEqual(value);
    }
    // The slots come back though the backend never answers; and what was cancelled waiting is not called.
    const location = await accept("/fast");
    await finishedJob(stack.url, location, { headers: ANN });
    expect(backend.held).toBe(2);
    expect((await ask(`${running[0]}/result`)).value["code"]).toBe("job-without-result");
  });

  it("moves a waiting job into another lane, where it runs once", async () => {
    const blockers = await Promise.all([1, 2].map((n) => accept(`/hold/block-${n}`)));
    await expect.poll(() => backend.held, { timeout: 30_000 }).toBeGreaterThanOrEqual(4);
    const location = await accept("/moved");
    const { status, value } = await move(location, 3);
    expect([status, value["priority"]]).toEqual([200, 3]);
    expect(validate("Job", value)).toBeUndefined();
    backend.release();
    const job = await finishedJob(stack.url, location, { headers: ANN });
    expect(job).toMatchObject({ state: "succeeded", priority: 3, attempts: 1 });
    for (const path of blockers) await finishedJob(stack.url, path, { headers: ANN });
    const calls = backend.seen.filter(({ target }) => target === "/moved");
    expect(calls).toHaveLength(1);
  });

  it("lists a caller's jobs by state, page by page", async () => {
    const { status, value } = await ask("/jobs?state=cancelled&limit=2");
    expect(status).toBe(200);
    expect(validate("JobList", value)).toBeUndefined();
    const page = value as { jobs: { state: string }[]; continuation: string };
    expect(page.jobs.map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
    const next = await ask(`/jobs?state=cancelled&limit=2&continuation=${page.continuation}`);
    expect((next.value["jobs"] as object[]).length).toBe(1);
    expect((await ask("/jobs", { headers: { "X-UserID": "ben" } })).value).toEqual({ jobs: [] });
  });
});
