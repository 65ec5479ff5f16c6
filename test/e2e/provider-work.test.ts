import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SeenRequest, startBackend, type TestBackend } from "../support/backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { makeDataDir, startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const ANN = { "X-UserID": "ann", "api-key": "of-ann", "content-type": "application/json" };
const API = "api-version=2025-04-01-preview";
const BACKGROUND = JSON.stringify({ model: "gpt", input: "hi", background: true });

let backend: TestBackend;
let stack: TestStack;
let dataDir: string;
let env: Record<string, string>;
/** What the backend says of each piece of work when it is asked, in turn; the last word is repeated. */
const words = new Map<string, Word[]>();

interface Word {
  readonly status: number;
  readonly body: object;
  readonly headers?: Record<string, string>;
}

const response = (id: string, status: string): Word => ({
  status: 200,
  body: { id, object: "response", background: true, status, usage: { total_tokens: 7 } },
});

function scripted(request: SeenRequest, answer: Parameters<Parameters<typeof startBackend>[0]>[1]) {
  const path = request.target.split("?")[0] ?? "";
  const left = words.get(`${request.method} ${path}`) ?? [];
  const word = left.length > 1 ? left.shift() : left[0];
  const { status, body, headers } = word ?? { status: 404, body: {} };
  answer
    .writeHead(status, { "content-type": "application/json", ...headers })
    .end(JSON.stringify(body, null, 2));
}

beforeAll(async () => {
  backend = await startBackend(scripted);
  dataDir = makeDataDir();
  env = { Host1: `host=${backend.url};mode=direct;path=/` };
  stack = await startStack({ env, dataDir });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const seen = (method: string, path: string): SeenRequest[] =>
  backend.seen.filter((request) => request.method === method && request.target.startsWith(path));

async function accept(path: string, headers: object = { Prefer: "respond-async" }) {
  const sent = { method: "POST", headers: { ...ANN, ...headers }, body: BACKGROUND };
  const answer = await fetch(`${stack.url}${path}`, sent);
  expect(answer.status).toBe(202);
  return answer.headers.get("location") ?? "";
}

async function view(location: string): Promise<Record<string, unknown>> {
  return (await fetch(`${stack.url}${location}`, { headers: ANN })).json() as never;
}

const handedOver = (location: string) =>
  until(
    async () => ((await view(location))["handedOverAt"] === undefined ? undefined : true),
    60_000,
    "The hand-over",
  );

async function statuses(location: string): Promise<string[]> {
  const text = await (await fetch(`${stack.url}${location}/events`, { headers: ANN })).text();
  return [...text.matchAll(/"Status":"(\w+)"|"status":"(\w+)"/g)].map(([, a, b]) => a ?? b ?? "");
}

describe("work that a provider goes on with", () => {
  it("V111: polls a background response at its backend, and keeps its last word as the result", async () => {
    const path = "/one/v1/responses";
    words.set(`POST ${path}`, [response("resp_1", "queued")]);
    words.set(`GET ${path}/resp_1`, [
      response("resp_1", "in_progress"),
      response("resp_1", "in_progress"),
      response("resp_1", "completed"),
    ]);
    const location = await accept(`${path}?${API}`, { S7PAsyncMode: "true" });
    await handedOver(location);
    expect(await view(location)).toMatchObject({ attempts: 1 });
    const job = await finishedJob(stack.url, location, { headers: ANN });
    const usage = { provenance: "reported", tokens: { totalTokens: 7 } };
    expect(job).toMatchObject({ state: "succeeded", attempts: 1, usage });
    const polls = seen("GET", path);
    expect(polls.length).toBeGreaterThanOrEqual(3);
    expect(new Set(polls.map(({ target }) => target))).toEqual(new Set([`${path}/resp_1?${API}`]));
    for (const { body, headers } of polls) {
      expect(body.byteLength).toBe(0);
      expect(headers["content-length"]).toBeUndefined();
      expect(headers["content-type"]).toBeUndefined();
      expect(headers["api-key"]).toBe("of-ann");
    }
    const result = await fetch(`${stack.url}${location}/result`, { headers: ANN });
    expect(await result.text()).toBe(JSON.stringify(response("resp_1", "completed").body, null, 2));
    expect(await statuses(location)).toEqual(
      expect.arrayContaining(["BackgroundRequestSubmitted", "AsyncProcessed"]),
    );
    expect(seen("POST", path)).toHaveLength(1);
  });

  it("survives kill -9 of everything while the provider works, and begins nothing twice", async () => {
    const path = "/two/v1/responses";
    words.set(`POST ${path}`, [response("resp_2", "queued")]);
    words.set(`GET ${path}/resp_2`, [response("resp_2", "in_progress")]);
    const location = await accept(path);
    await handedOver(location);
    await stack.crash();
    words.set(`GET ${path}/resp_2`, [
      { status: 503, body: {} },
      response("resp_2", "in_progress"),
      response("resp_2", "failed"),
    ]);
    stack = await startStack({ env, dataDir });
    const job = await finishedJob(stack.url, location, { headers: ANN, withinMs: 120_000 });
    expect(job).toMatchObject({ state: "failed", result: { status: 200 } });
    expect(seen("POST", path)).toHaveLength(1);
  });

  it("passes a cancel on to the provider", async () => {
    const path = "/three/v1/responses";
    words.set(`POST ${path}`, [response("resp_3", "queued")]);
    words.set(`GET ${path}/resp_3`, [response("resp_3", "in_progress")]);
    words.set(`POST ${path}/resp_3/cancel`, [response("resp_3", "cancelled")]);
    const location = await accept(`${path}?${API}`);
    await handedOver(location);
    await fetch(`${stack.url}${location}`, { method: "DELETE", headers: ANN });
    const told = await until(
      async () => seen("POST", `${path}/resp_3/cancel`)[0],
      60_000,
      "The cancel at the provider",
    );
    expect([told.target, told.headers["api-key"]]).toEqual([
      `${path}/resp_3/cancel?${API}`,
      "of-ann",
    ]);
    expect(await view(location)).toMatchObject({ state: "cancelled" });
  });

  it("follows an operation's location at its own host, and fetches what came of it", async () => {
    const operation = { "operation-location": `${backend.url}/operations/4?${API}` };
    words.set("POST /four", [{ status: 202, body: {}, headers: operation }]);
    words.set("GET /operations/4", [
      { status: 200, body: { status: "Running" }, headers: { "retry-after": "1" } },
      { status: 200, body: { status: "Succeeded", resourceLocation: `${backend.url}/results/4` } },
    ]);
    words.set("GET /results/4", [{ status: 200, body: { answer: 42 } }]);
    const location = await accept("/four");
    const job = await finishedJob(stack.url, location, { headers: ANN });
    expect(job).toMatchObject({ state: "succeeded" });
    const result = await fetch(`${stack.url}${location}/result`, { headers: ANN });
    expect(await result.json()).toEqual({ answer: 42 });
  });
});
