import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { startStack, type TestStack } from "../support/stack.ts";

let backend: HoldingBackend;
let stack: TestStack;

beforeAll(async () => {
  backend = await startHoldingBackend();
  stack = await startStack({
    env: {
      Host1: `host=${backend.url};mode=direct`,
      GATEWAY_SYNC_MODE: "direct",
      Workers: "1",
      MaxQueueLength: "40",
      PriorityKeys: "hi,lo",
      PriorityValues: "1,3",
    },
  });
});
afterEach(() => backend.release());
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

type Headers = Record<string, string>;

const get = (path: string, headers: Headers = {}) => fetch(`${stack.url}${path}`, { headers });
const key = (name: string): Headers => ({ S7PPriorityKey: name });

/** Takes the only slot, and resolves when the backend has it. */
async function block(): Promise<void> {
  get("/hold").catch(() => {});
  await eventually(() => backend.held).toBe(1);
}

/** Resolves when so many requests wait for the slot. */
const waiting = (count: number) =>
  eventually(async () => (await stack.status()).waiting.total).toBe(count);

/** Sends requests one after the other, each once the one before waits in the queue. */
async function queue(paths: readonly (readonly [path: string, headers?: Headers])[]) {
  const responses: Promise<Response>[] = [];
  for (const [path, headers] of paths) {
    responses.push(get(path, headers));
    await waiting(responses.length);
  }
  return responses;
}

const orderOf = (prefix: string): string[] =>
  backend.seen.map(({ target }) => target).filter((target) => target.startsWith(prefix));

describe("a gateway with one slot", () => {
  it("V01: hands a request on and the answer back", async () => {
    const response = await get("/x");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("ok");
    expect(orderOf("/x")).toEqual(["/x"]);
  });

  it("V18: serves the more urgent class first", async () => {
    await block();
    const queued = await queue([["/v18/lo", key("lo")], ["/v18/default"], ["/v18/hi", key("hi")]]);
    backend.release();
    await Promise.all(queued);
    expect(orderOf("/v18")).toEqual(["/v18/hi", "/v18/default", "/v18/lo"]);
  });

  it("V19: keeps the order of arrival within a class", async () => {
    await block();
    const paths = Array.from({ length: 20 }, (_, n) => `/v19/${n}`);
    const queued = await queue(paths.map((path) => [path] as const));
    backend.release();
    await Promise.all(queued);
    expect(orderOf("/v19")).toEqual(paths);
  });

  it("V20: reads priority keys in any case, and takes unknown ones for the default", async () => {
    await block();
    const queued = await queue([
      ["/v20/nope", key("nope")],
      ["/v20/HI", key("HI")],
    ]);
    backend.release();
    await Promise.all(queued);
    expect(orderOf("/v20")).toEqual(["/v20/HI", "/v20/nope"]);
  });

  it("V24: lets a user with one request pass another's backlog", async () => {
    await block();
    const backlog = Array.from(
      { length: 9 },
      (_, n) => [`/v24/u${n}`, { "X-UserID": "u" }] as const,
    );
    const queued = await queue([...backlog, ["/v24/v", { "X-UserID": "v" }]]);
    backend.release();
    await Promise.all(queued);
    expect(orderOf("/v24").indexOf("/v24/v")).toBeLessThanOrEqual(1);
  });

  it("V25: has forgotten old load", async () => {
    for (let n = 0; n < 100; n++) await get(`/v25-past/${n}`, { "X-UserID": "u" });
    await block();
    const backlog = Array.from(
      { length: 9 },
      (_, n) => [`/v25/v${n}`, { "X-UserID": "v" }] as const,
    );
    const queued = await queue([...backlog, ["/v25/u", { "X-UserID": "u" }]]);
    backend.release();
    await Promise.all(queued);
    expect(orderOf("/v25/").indexOf("/v25/u")).toBeLessThanOrEqual(1);
  });

  it("V26: counts callers without a name as one", async () => {
    await block();
    const nameless = Array.from({ length: 10 }, (_, n) => [`/v26/${n}`] as const);
    const queued = await queue([...nameless, ["/v26/named", { "X-UserID": "n" }]]);
    backend.release();
    const statuses = await Promise.all(queued.map(async (response) => (await response).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(orderOf("/v26").indexOf("/v26/named")).toBeLessThanOrEqual(1);
  });

  it("V27, V31: answers 412 at the deadline of a request that still waits, and never calls", async () => {
    await block();
    const response = await get("/v27", { S7PTTL: "1" });
    expect(response.status).toBe(412);
    expect(backend.held).toBe(1);
    expect((await stack.status()).waiting.total).toBe(0);
    expect(orderOf("/v27")).toEqual([]);
  });

  it.each([
    ["seconds", () => "60.5"],
    ["Unix time", () => `+${Math.floor(Date.now() / 1000) + 60}`],
    ["a date", () => new Date(Date.now() + 60_000).toISOString()],
  ])("V28: reads a time to live as %s", async (_form, ttl) => {
    expect((await get("/v28", { S7PTTL: ttl() })).status).toBe(200);
  });

  it("V29: names the header of a time to live that cannot be read", async () => {
    const response = await get("/v29", { S7PTTL: "soon" });
    expect(response.status).toBe(400);
    expect((await response.json()) as object).toMatchObject({
      code: "invalid-ttl",
      detail: expect.stringContaining("S7PTTL"),
    });
  });

  it("V30: refuses a time to live that has passed", async () => {
    const ttl = `+${Math.floor(Date.now() / 1000) - 60}`;
    expect((await get("/v30", { S7PTTL: ttl })).status).toBe(412);
    expect(orderOf("/v30")).toEqual([]);
  });

  it("V17: says what is wrong in a body of its type, without a stack", async () => {
    const response = await get("/v17", { S7PTimeout: "never" });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ status: 400, code: "invalid-timeout" });
    expect(text).not.toMatch(/\bat .*[.:]\d+/);
  });

  it("lets a client that leaves leave the queue", async () => {
    await block();
    const leaving = new AbortController();
    const left = fetch(`${stack.url}/left`, { signal: leaving.signal }).catch(() => "left");
    await waiting(1);
    const stays = get("/stays");
    await waiting(2);
    leaving.abort();
    expect(await left).toBe("left");
    await waiting(1);
    backend.release();
    expect((await stays).status).toBe(200);
    expect(orderOf("/left")).toEqual([]);
  });

  it("V02, V03: refuses what finds the queue full, with an honest Retry-After in seconds", async () => {
    await block();
    const queued = await queue(Array.from({ length: 40 }, (_, n) => [`/v02/${n}`] as const));
    const refused = await get("/v02/refused");
    expect(refused.status).toBe(429);
    const seconds = Number(refused.headers.get("retry-after"));
    expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 120).toBe(true);
    expect(await refused.json()).toMatchObject({ code: "queue-full" });
    backend.release();
    const statuses = await Promise.all(queued.map(async (response) => (await response).status));
    expect(statuses).toEqual(Array(40).fill(200));
    expect(orderOf("/v02/refused")).toEqual([]);
  });
});
