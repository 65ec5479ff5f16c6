import { ServiceBusClient } from "@azure/service-bus";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { eventually } from "../support/eventually.ts";
import { type HoldingBackend, startHoldingBackend } from "../support/holding-backend.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const REQUESTS = 60;
/** Well before whatever a worker would hold of one queue: 32 messages. */
const SOON = 20;
const FIRST = 5;

let backend: HoldingBackend;
let stack: TestStack;
let brokerPort: number;

beforeAll(async () => {
  backend = await startHoldingBackend();
  brokerPort = await freePort();
  stack = await startStack({
    env: {
      Host1: `host=${backend.url};mode=direct`,
      GATEWAY_SYNC_MODE: "queued",
      Workers: "1",
      LOCAL_BROKER_PORT: String(brokerPort),
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const get = (path: string, userId: string) =>
  fetch(`${stack.url}${path}`, { headers: { "X-UserID": userId } });

/** How many requests of each user are in a queue, waiting or in a worker's hands. */
async function usersIn(queue: string): Promise<Record<string, number>> {
  // A client remembers where it peeked last: each look takes a new one.
  const client = new ServiceBusClient(
    `Endpoint=sb://127.0.0.1:${brokerPort};SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true;`,
  );
  try {
    const messages = await client.createReceiver(queue).peekMessages(2 * REQUESTS);
    const users: Record<string, number> = {};
    for (const { body } of messages) users[body.userId] = (users[body.userId] ?? 0) + 1;
    return users;
  } finally {
    await client.close();
  }
}

async function heavyEverywhere(): Promise<number> {
  const [within, over] = [await usersIn("lane-standard"), await usersIn("lane-standard-over")];
  return (within["heavy"] ?? 0) + (over["heavy"] ?? 0);
}

it("sends a heavy user's backlog to the lane's second queue, past which others go, and loses none of it", async () => {
  const first = get("/hold", "heavy");
  await eventually(() => backend.held).toBe(1);
  const backlog = Array.from({ length: REQUESTS }, (_, n) => get(`/heavy/${n}`, "heavy"));
  await eventually(heavyEverywhere).toBe(REQUESTS + 1);
  // The first find nothing that they could be too many for.
  expect((await usersIn("lane-standard-over"))["heavy"]).toBeGreaterThan(REQUESTS - FIRST);
  const light = get("/light", "light");
  await eventually(() => usersIn("lane-standard")).toMatchObject({ light: 1 });
  backend.release();
  const statuses = (await Promise.all([first, light, ...backlog])).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200]));
  const targets = backend.seen.map(({ target }) => target);
  expect(targets.indexOf("/light")).toBeLessThan(SOON);
  expect(targets.toSorted()).toEqual(
    ["/hold", "/light", ...backlog.map((_, n) => `/heavy/${n}`)].toSorted(),
  );
  await eventually(() => usersIn("lane-standard-over")).toEqual({});
});
