import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BackendWorld, failing, hostsFor, ok } from "../support/backend-world.ts";
import { eventually } from "../support/eventually.ts";
import { startHttp2Backend } from "../support/http2-backend.ts";
import { OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";

const SPILL_AFTER_MS = 1000;

interface MetricOnPage {
  readonly name: string;
  readonly points: readonly {
    readonly attributes: Record<string, unknown>;
    readonly value: unknown;
  }[];
}

const world = new BackendWorld();
const backends = new AsyncDisposableStack();
backends.use(world);
afterAll(() => backends.disposeAsync());

describe("one stack, taking turns", () => {
  let stack: TestStack;
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${stack.url}${path}`, { headers });
  const bodies = async (count: number, path: (n: number) => string) => {
    const counts: Record<string, number> = {};
    for (let n = 0; n < count; n++) {
      const name = await (await get(path(n))).text();
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  };

  /** Calls of a class to a tier behind the first, and what their requests had waited by then. */
  const spillsOfClass = async (priority: number) => {
    const headers = { "x-operator-key": OPERATOR_KEY, accept: "application/json" };
    const page = await fetch(`${stack.url}/metrics`, { headers });
    const metrics = (await page.json()) as MetricOnPage[];
    const figureOf = (metric: string) =>
      metrics
        .find(({ name }) => name === metric)
        ?.points.find(({ attributes }) => attributes["simplel7proxy.priority"] === priority)?.value;
    return { calls: figureOf("simplel7proxy.spills"), wait: figureOf("simplel7proxy.spill.wait") };
  };

  beforeAll(async () => {
    const a = await world.add("a");
    const b = await world.add("b");
    const c = await world.add("c");
    const modern = backends.use(await startHttp2Backend());
    stack = await startStack({
      env: {
        ...hostsFor([
          [a, "/turns"],
          [b, "/turns"],
          [c, "/turns"],
          [a, "/strip", "stripprefix=true"],
          [b, "/strip/v2", "stripprefix=true"],
          [a, "/api/*"],
          [b, "/"],
          [`${a}/base`, "/based"],
          [a, "/pair"],
          [b, "/pair"],
          [a, "/only"],
          [a, "/weights", "weight=3"],
          [b, "/weights", "weight=1"],
          [a, "/tiers", "tier=ptu"],
          [b, "/tiers", "tier=paygo"],
          [a, "/classes"],
          [b, "/classes", "priorities=1,2"],
          [a, "/named", "model=gpt-4o-eu"],
          [a, "/long", "contextwindow=8000"],
          [b, "/long", "contextwindow=8000"],
          [c, "/long", "contextwindow=128000"],
          [modern.url, "/modern"],
        ]),
        GATEWAY_BACKENDS_HTTP2: "true",
        IgnoreSSLCert: "true",
        GATEWAY_SYNC_MODE: "direct",
        LoadBalanceMode: "roundrobin",
        PriorityKeys: "hi,lo",
        PriorityValues: "1,3",
        GATEWAY_ROUTING_SPILL: `3=after:${SPILL_AFTER_MS}`,
        CBErrorThreshold: "5",
        CBTimeslice: "600",
      },
    });
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  it("V37 V40: serves by prefix, stripped where the host wants it", async () => {
    await get("/strip/completions?x=1");
    expect(world.seen("a").at(-1)?.target).toBe("/completions?x=1");
    await get("/turns/x");
    expect(["a", "b", "c"].flatMap((name) => world.seen(name, "/turns"))).toMatchObject([
      { target: "/turns/x" },
    ]);
    expect(await (await get("/models")).text()).toBe("b");
  });

  it("V38 V39: matches on segment boundaries, with a wildcard too", async () => {
    expect(await (await get("/apiv2/x")).text()).toBe("b");
    expect(await (await get("/api/x")).text()).toBe("a");
  });

  it("V42: gives a path to the longest prefix alone", async () => {
    expect(await (await get("/strip/v2/x")).text()).toBe("b");
    expect(world.seen("b").at(-1)?.target).toBe("/x");
  });

  it("V46: puts the host's base path before the request's", async () => {
    await get("/based/x");
    expect(world.seen("a").at(-1)?.target).toBe("/base/based/x");
  });

  it("speaks HTTP/2 to a backend that offers it, where that is asked for", async () => {
    expect(await (await get("/modern/x?y=1")).text()).toBe("/modern/x?y=1");
  });

  it("V43 V44: takes turns, whatever the query strings", async () => {
    const counts = await bodies(60, (n) => `/turns?unique=${n}`);
    for (const name of ["a", "b", "c"]) expect(counts[name]).toBeGreaterThanOrEqual(19);
  });

  it("divides turns by weight", async () => {
    expect(await bodies(20, () => "/weights")).toEqual({ a: 15, b: 5 });
  });

  it("V50 V119: passes refusals on with their body, and blames nobody", async () => {
    for (const status of [400, 401, 403, 409, 422]) {
      for (const name of ["a", "b"]) {
        world.on(name, "/pair", failing(status, {}, `no ${status}`));
      }
      const before = world.seen("a", "/pair").length + world.seen("b", "/pair").length;
      const response = await get("/pair");
      expect([response.status, await response.text()]).toEqual([status, `no ${status}`]);
      const after = world.seen("a", "/pair").length + world.seen("b", "/pair").length;
      expect(after - before).toBe(1);
    }
    for (const name of ["a", "b"]) world.on(name, "/pair", ok(name));
    const counts = await bodies(10, () => "/pair");
    expect(counts).toEqual({ a: 5, b: 5 });
  });

  it("V51 V52 V53: says what all said, or 502, and names no backend", async () => {
    world.on("a", "/pair", failing(500, {}, "broken"));
    world.on("b", "/pair", failing(500, {}, "broken"));
    expect((await get("/pair")).status).toBe(500);
    world.on("b", "/pair", failing(503));
    const mixed = await get("/pair");
    const text = await mixed.text();
    expect(mixed.status).toBe(502);
    expect(JSON.parse(text)).toMatchObject({ code: "backend-failed" });
    expect(text).not.toMatch(/127\.0\.0\.1|localhost|Host\d|http:\/\//);
  });

  it("V49 V63 V75: goes to the next backend, and leaves one that keeps failing alone", async () => {
    world.on("a", "/pair", failing(500));
    world.on("b", "/pair", ok("b"));
    const before = world.seen("a", "/pair").length;
    for (let n = 0; n < 20; n++) {
      const response = await get("/pair");
      expect(await response.text()).toBe("b");
      expect(response.headers.get("x-attempts")).toMatch(/^[12]$/);
      expect(response.headers.get("x-backend-affinity")).toMatch(/^[\w-]{16}$/);
      expect(response.headers.get("x-request-queue-duration")).toMatch(/^\d+$/);
      expect(response.headers.get("x-request-process-duration")).toMatch(/^\d+$/);
    }
    expect(world.seen("a", "/pair").length - before).toBeLessThanOrEqual(6);
  });

  it("V54 V121: passes Retry-After on, and answers by itself until then", async () => {
    world.on("a", "/only", failing(429, { "retry-after": "70" }, "busy"));
    const first = await get("/only");
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "70"]);
    expect(await first.text()).toBe("busy");
    const second = await get("/only");
    expect(second.status).toBe(429);
    expect(Number(second.headers.get("retry-after"))).toBeGreaterThan(1);
    expect(Number(second.headers.get("retry-after"))).toBeLessThanOrEqual(70);
    expect(await second.json()).toMatchObject({ code: "backends-throttled" });
    expect(world.seen("a", "/only")).toHaveLength(1);
  });

  it("V114 V117: uses the first tier alone while it can, and spills what its class allows", async () => {
    expect(await bodies(20, () => "/tiers")).toEqual({ a: 20 });
    world.on("a", "/tiers", failing(429, { "retry-after": "600" }));
    expect(await bodies(3, () => "/tiers")).toEqual({ b: 3 });
    expect(world.seen("a", "/tiers")).toHaveLength(21);
    const startedAt = performance.now();
    expect(await (await get("/tiers", { S7PPriorityKey: "lo" })).text()).toBe("b");
    // The two ends have clocks of their own.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(SPILL_AFTER_MS - 50);
    await eventually(() => spillsOfClass(3)).toMatchObject({ calls: 1, wait: { count: 1 } });
    await eventually(() => spillsOfClass(2)).toMatchObject({ calls: 3, wait: { count: 3 } });
    world.on("a", "/classes", failing(429, { "retry-after": "600" }));
    for (let n = 0; n < 3; n++) {
      expect((await get("/classes", { S7PPriorityKey: "lo" })).status).toBe(429);
    }
    expect(world.seen("b", "/classes")).toHaveLength(0);
    const served = await get("/classes", { S7PPriorityKey: "hi" });
    expect(await served.text()).toBe("b");
    const affinity = served.headers.get("x-backend-affinity") ?? "";
    const asked = { S7PPriorityKey: "lo", "x-backend-affinity": affinity };
    expect((await get("/classes", asked)).status).toBe(429);
    expect(world.seen("b", "/classes")).toHaveLength(1);
  });

  it("V118: comes back to the same backend with its affinity, while that may be used", async () => {
    const first = await get("/turns");
    const name = await first.text();
    const affinity = first.headers.get("x-backend-affinity") ?? "";
    expect(affinity).toMatch(/^[\w-]{16}$/);
    for (let n = 0; n < 20; n++) {
      const again = await get("/turns", { "x-backend-affinity": affinity });
      expect(await again.text()).toBe(name);
      expect(again.headers.get("x-backend-affinity")).toBe(affinity);
    }
    world.on(name, "/turns", failing(429, { "retry-after-ms": "600000" }));
    await get("/turns", { "x-backend-affinity": affinity });
    const elsewhere = await get("/turns", { "x-backend-affinity": affinity });
    expect(elsewhere.status).toBe(200);
    expect(await elsewhere.text()).not.toBe(name);
  });

  it("renames the model in body and path, and changes no other byte", async () => {
    const body = '{ "model" : "gpt-4o", "n": 1.0, "messages": [{"model": "x"}] }';
    await fetch(`${stack.url}/named/openai/deployments/gpt-4o/chat?api-version=1`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    const seen = world.seen("a", "/named").at(-1);
    expect(seen?.target).toBe("/named/openai/deployments/gpt-4o-eu/chat?api-version=1");
    expect(seen?.body.toString()).toBe(body.replace("gpt-4o", "gpt-4o-eu"));
  });

  it("sends what is too long for one model to a larger one alone", async () => {
    const refusal = JSON.stringify({ error: { code: "context_length_exceeded" } });
    for (const name of ["a", "b"]) world.on(name, "/long", failing(400, {}, refusal));
    const response = await get("/long");
    expect(await response.text()).toBe("c");
    expect(world.seen("a", "/long").length + world.seen("b", "/long").length).toBe(1);
    world.on("c", "/long", failing(400, {}, refusal));
    const refused = await get("/long");
    expect([refused.status, await refused.text()]).toEqual([400, refusal]);
  });

  it("explains its decision to an operator who asks", async () => {
    const stranger = await get("/tiers", { S7PDEBUG: "true" });
    expect(stranger.headers.get("x-s7p-receipt")).toBeNull();
    const response = await get("/tiers", { S7PDEBUG: "true", "x-operator-key": OPERATOR_KEY });
    expect(JSON.parse(response.headers.get("x-s7p-receipt") ?? "{}")).toMatchObject({
      priority: 2,
      outcome: "answered",
      attempts: [{ status: 200, outcome: "answered" }],
    });
  });
});
