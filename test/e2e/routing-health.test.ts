import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BackendWorld, silent } from "../support/backend-world.ts";
import { eventually } from "../support/eventually.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const SLOW_MS = 1500;
const SILENT_MS = 500;
const AGAIN_MS = 2000;

const world = new BackendWorld();
afterAll(() => world[Symbol.asyncDispose]());

describe("one stack, the quickest first", () => {
  let stack: TestStack;
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${stack.url}${path}`, { headers });
  let isFailing = false;

  beforeAll(async () => {
    const [slow, quick, dead] = [await world.add("slow"), await world.add("quick"), "dead"];
    const failingUrl = await world.add(dead);
    world.on(dead, "/probe", (_, response) => {
      response.writeHead(isFailing ? 500 : 200).end();
    });
    // So slow that the other is quicker on any machine, however busy. Only the probes tell: it serves as quickly.
    world.on("slow", "/probe", (_, response) => void setTimeout(() => response.end(), SLOW_MS));
    stack = await startStack({
      env: {
        Host1: `host=${slow};path=/quickest;stripprefix=false;probe=probe`,
        Host2: `host=${quick};path=/quickest;stripprefix=false;probe=probe`,
        Host3: `host=${failingUrl};path=/dead;probe=probe`,
        // Its own time limit: the one that answers must never be late.
        Host4: `host=${slow};path=/silent;stripprefix=false;mode=direct;probe=never;timeout=${SILENT_MS}`,
        Host5: `host=${quick};path=/silent;stripprefix=false;mode=direct;probe=never`,
        Host6: `host=${quick};path=/again;stripprefix=false;mode=direct`,
        GATEWAY_SYNC_MODE: "direct",
        PollInterval: "300",
        PollTimeout: "20000",
        CBErrorThreshold: "3",
        Workers: "1",
      },
    });
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  it("V45: prefers the one that is quicker to answer its probes", async () => {
    await eventually(async () =>
      (await stack.status()).backends.slice(0, 2).map(({ latencyMs }) => latencyMs !== null),
    ).toEqual([true, true]);
    const names: string[] = [];
    for (let n = 0; n < 50; n++) names.push(await (await get("/quickest")).text());
    // Of the first one nothing but probes can have told.
    expect(names[0]).toBe("quick");
    expect(names.filter((name) => name === "quick").length).toBeGreaterThanOrEqual(45);
  });

  it("V33 V65: leaves a silent backend, and after some time-outs asks it no more", async () => {
    world.on("slow", "/silent", silent);
    for (let n = 0; n < 6; n++) {
      const response = await get("/silent");
      expect(await response.text()).toBe("quick");
    }
    expect(world.seen("slow", "/silent").length).toBeLessThanOrEqual(3);
  });

  it("V56 V58: sends again what a backend wants again, and serves others meanwhile", async () => {
    let sendAway: (() => void) | undefined;
    world.on("quick", "/again", ({ target }, response) => {
      if (sendAway || !target.includes("first")) response.end("fine");
      else {
        sendAway = () =>
          void response
            .writeHead(429, { S7PREQUEUE: "true", "retry-after-ms": String(AGAIN_MS) })
            .end();
      }
    });
    const first = get("/again?first").then(async (response) => ({
      text: await response.text(),
      endedAt: performance.now(),
    }));
    await eventually(() => sendAway !== undefined).toBe(true);
    const second = get("/again?second");
    await eventually(async () => (await stack.status()).waiting.total).toBe(1);
    const sentAwayAt = performance.now();
    sendAway?.();
    expect(await (await second).text()).toBe("fine");
    expect(performance.now() - sentAwayAt).toBeLessThan(AGAIN_MS);
    const { text, endedAt } = await first;
    expect(text).toBe("fine");
    expect(endedAt - sentAwayAt).toBeGreaterThanOrEqual(AGAIN_MS - 10);
    const order = world.seen("quick", "/again").map(({ target }) => target.split("?")[1]);
    expect(order).toEqual(["first", "second", "first"]);
    const counters = world
      .seen("quick", "/again")
      .filter(({ target }) => target.includes("first"))
      .map(({ headers }) => headers["x-policycyclecounter"]);
    expect(counters).toEqual(["0", "1"]);
  });

  it("V70: answers at once for a backend that its probes took out, with no call", async () => {
    expect((await get("/dead/x")).status).toBe(200);
    isFailing = true;
    await eventually(async () => {
      const { backends } = await stack.status();
      return backends.find(({ label }) => label === "Host3")?.isHealthy;
    }).toBe(false);
    const before = world.seen("dead", "/x").length;
    const response = await get("/dead/x");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d{0,2}$/);
    expect(await response.json()).toMatchObject({ code: "no-backend" });
    expect(world.seen("dead", "/x").length).toBe(before);
  });

  it("V71: never probes a direct host", () => {
    const targets = ["slow", "quick"].flatMap((name) => world.seen(name).map((r) => r.target));
    expect(targets.filter((target) => target.includes("never"))).toEqual([]);
    expect(targets.filter((target) => target === "/probe").length).toBeGreaterThan(0);
  });
});
