import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { eventually } from "../support/eventually.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const WORKERS = 5;

let backend: TestBackend;
let stack: TestStack;
let isFailing = false;
const held: (() => void)[] = [];
const release = (): void => {
  for (const answer of held.splice(0)) answer();
};

beforeAll(async () => {
  backend = await startBackend(({ target }, response) => {
    if (target.startsWith("/probe")) response.writeHead(isFailing ? 500 : 200).end();
    else if (target.startsWith("/hold")) held.push(() => response.end("held"));
    else response.end("ok");
  });
  stack = await startStack({
    env: {
      Host1: `host=${backend.url};probe=probe`,
      GATEWAY_SYNC_MODE: "direct",
      Workers: String(WORKERS),
      MaxQueueLength: "50",
      PollInterval: "100",
    },
  });
});
afterEach(release);
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const get = (path: string) => fetch(`${stack.url}${path}`);
const statusOf = async (path: string) => (await get(path)).status;
const waiting = (count: number) =>
  eventually(async () => (await stack.status()).waiting.total).toBe(count);

describe("probes of an instance", () => {
  it("V87: tell whether it can serve, and why not", async () => {
    for (const path of ["/liveness", "/readiness", "/startup"])
      expect(await statusOf(path)).toBe(200);
    isFailing = true;
    await eventually(() => statusOf("/readiness")).toBe(503);
    const answer = await get("/startup");
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("no-active-backend");
    expect(await statusOf("/liveness")).toBe(200);
    isFailing = false;
    await eventually(() => statusOf("/readiness")).toBe(200);
    expect(await statusOf("/startup")).toBe(200);
  });

  it("V88: are answered while every slot and the whole queue are taken", async () => {
    const statuses: number[] = [];
    const clients = Array.from({ length: 200 }, async () => {
      statuses.push((await get("/hold")).status);
    });
    await eventually(() => held.length).toBe(WORKERS);
    await waiting(50);
    // All have come, none is on its way any more: what is released now makes room for nobody else.
    await eventually(() => statuses).toEqual(Array(200 - WORKERS - 50).fill(429));
    for (let n = 0; n < 100; n++) expect(await statusOf("/liveness")).toBe(200);
    expect(statuses).not.toContain(200);
    await eventually(() => {
      release();
      return statuses.length;
    }).toBe(200);
    await Promise.all(clients);
    expect(statuses.filter((status) => status === 200)).toHaveLength(WORKERS + 50);
  });
});

describe("an instance that is told to stop", () => {
  it("V85: finishes what it has, refuses what comes, and ends with 0", async () => {
    const accepted = Array.from({ length: 2 * WORKERS }, () => get("/hold"));
    await eventually(() => held.length).toBe(WORKERS);
    await waiting(WORKERS);
    const ended = stack.stop("SIGTERM");
    let refused: Response | undefined;
    await eventually(async () => {
      // One that comes before the instance has heard must not wait behind those that are held.
      const answer = await fetch(`${stack.url}/late`, { headers: { S7PTTL: "0.2" } });
      if (answer.status === 503) refused = answer;
      return answer.status;
    }).toBe(503);
    expect(refused?.headers.get("retry-after")).toMatch(/^[1-9]\d{0,2}$/);
    let finished = 0;
    const statuses = Promise.all(
      accepted.map(async (answer) => {
        const { status } = await answer;
        finished += 1;
        return status;
      }),
    );
    await eventually(() => {
      release();
      return finished;
    }).toBe(2 * WORKERS);
    expect(await statuses).toEqual(accepted.map(() => 200));
    expect(await ended).toBe(0);
  });
});
