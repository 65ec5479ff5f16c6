import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
      Workers: "3",
      PriorityKeys: "hi,mid,lo",
      PriorityValues: "1,2,3",
      PriorityWorkers: "1:1",
      GATEWAY_SCHEDULING_PREEMPTIBLE: "3",
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const get = (path: string, key: string) =>
  fetch(`${stack.url}${path}`, { headers: { S7PPriorityKey: key } });
const callsTo = (path: string) => backend.seen.filter(({ target }) => target === path).length;

describe("three slots, one of them reserved for the most urgent class", () => {
  it("V22: a class takes no slot that is reserved for a more urgent one, which starts at once", async () => {
    const held = [get("/hold/1", "mid"), get("/hold/2", "mid")];
    await eventually(() => backend.held).toBe(2);
    const third = get("/third", "mid");
    await eventually(async () => (await stack.status()).waiting.total).toBe(1);
    expect((await get("/urgent", "hi")).status).toBe(200);
    expect(callsTo("/third")).toBe(0);
    backend.release();
    expect((await third).status).toBe(200);
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it("preempts work that has delivered nothing, and serves it afterwards", async () => {
    const background = [get("/hold/3", "lo"), get("/hold/4", "lo")];
    await eventually(() => backend.held).toBe(2);
    const urgent = [get("/hold/5", "hi")];
    await eventually(() => backend.held).toBe(3);
    // Every slot is taken now; the next urgent request finds one all the same.
    expect((await get("/now", "hi")).status).toBe(200);
    await eventually(() => callsTo("/hold/3") + callsTo("/hold/4")).toBe(3);
    backend.release();
    const statuses = (await Promise.all([...background, ...urgent])).map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 200]);
  });
});
