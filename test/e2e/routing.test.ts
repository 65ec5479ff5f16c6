import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SeenRequest, startBackend, type TestBackend } from "../support/backend.ts";
import { startStack, type TestStack } from "../support/stack.ts";

type Handler = Parameters<typeof startBackend>[0];

const ok =
  (name: string): Handler =>
  (_, response) =>
    void response.end(name);
const failing =
  (status: number, headers: Record<string, string> = {}, body = ""): Handler =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);
const silent: Handler = () => {};

/** Backends whose part in a case is told by the first segment of the path they are asked for. */
class World implements AsyncDisposable {
  readonly #backends = new Map<string, TestBackend>();
  readonly #handlers = new Map<string, Handler>();

  /** A backend that does for each path prefix what a case says. */
  async add(name: string): Promise<string> {
    const backend = await startBackend((request, response) => {
      const handler = this.#handlers.get(`${name}${segment(request)}`) ?? ok(name);
      handler(request, response);
    });
    this.#backends.set(name, backend);
    return backend.url;
  }

  on(name: string, path: string, handler: Handler): void {
    this.#handlers.set(`${name}${path}`, handler);
  }

  seen(name: string, path = ""): SeenRequest[] {
    const all = this.#backends.get(name)?.seen ?? [];
    return all.filter((request) => path === "" || segment(request) === path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const backend of this.#backends.values()) await backend[Symbol.asyncDispose]();
  }
}

const segment = ({ target }: SeenRequest): string => /^\/[^/?]*/.exec(target)?.[0] ?? "";

/** `Host1`... for one case: a path of its own, kept, and no probes. */
const hostsFor = (hosts: readonly (readonly [url: string, path: string, more?: string])[]) =>
  Object.fromEntries(
    hosts.map(([url, path, more = ""], index) => [
      `Host${index + 1}`,
      `host=${url};path=${path};stripprefix=false;mode=direct;${more}`,
    ]),
  );

const world = new World();
afterAll(() => world[Symbol.asyncDispose]());

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

  beforeAll(async () => {
    const a = await world.add("a");
    const b = await world.add("b");
    const c = await world.add("c");
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
        ]),
        GATEWAY_SYNC_MODE: "direct",
        GATEWAY_ROUTING_RECEIPTS: "true",
        LoadBalanceMode: "roundrobin",
        PriorityKeys: "hi,lo",
        PriorityValues: "1,3",
        CBErrorThreshold: "5",
        CBTimeslice: "10",
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
      expect(Number(response.headers.get("x-attempts"))).toBeLessThanOrEqual(2);
      expect(response.headers.get("x-request-queue-duration")).toMatch(/^\d+$/);
      expect(response.headers.get("x-request-process-duration")).toMatch(/^\d+$/);
    }
    expect(world.seen("a", "/pair").length - before).toBeLessThanOrEqual(6);
  });

  it("V54 V121: passes Retry-After on, and answers by itself until then", async () => {
    world.on("a", "/only", failing(429, { "retry-after": "7" }, "busy"));
    const first = await get("/only");
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "7"]);
    expect(await first.text()).toBe("busy");
    const second = await get("/only");
    expect(second.status).toBe(429);
    expect(Number(second.headers.get("retry-after"))).toBeGreaterThan(4);
    expect(Number(second.headers.get("retry-after"))).toBeLessThanOrEqual(7);
    expect(await second.json()).toMatchObject({ code: "backends-throttled" });
    expect(world.seen("a", "/only")).toHaveLength(1);
  });

  it("V114 V117: uses the first tier alone while it can, and spills what its class allows", async () => {
    expect(await bodies(20, () => "/tiers")).toEqual({ a: 20 });
    world.on("a", "/tiers", failing(429, { "retry-after": "5" }));
    expect(await bodies(3, () => "/tiers")).toEqual({ b: 3 });
    expect(world.seen("a", "/tiers")).toHaveLength(21);
    world.on("a", "/classes", failing(429, { "retry-after": "5" }));
    for (let n = 0; n < 3; n++) {
      expect((await get("/classes", { S7PPriorityKey: "lo" })).status).toBe(429);
    }
    expect(world.seen("b", "/classes")).toHaveLength(0);
    expect((await get("/classes", { S7PPriorityKey: "hi" })).status).toBe(200);
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
    world.on(name, "/turns", failing(429, { "retry-after-ms": "60000" }));
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

  it("explains its decision to a caller who asks", async () => {
    const plain = await get("/tiers");
    expect(plain.headers.get("x-s7p-receipt")).toBeNull();
    const response = await get("/tiers", { S7PDEBUG: "true" });
    expect(JSON.parse(response.headers.get("x-s7p-receipt") ?? "{}")).toMatchObject({
      priority: 2,
      outcome: "answered",
      attempts: [{ status: 200, outcome: "answered" }],
    });
  });
});

describe("one stack, the quickest first", () => {
  let stack: TestStack;
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${stack.url}${path}`, { headers });
  let isFailing = false;
  let seesProbe: Promise<void>;

  beforeAll(async () => {
    const [slow, quick, dead] = [await world.add("slow"), await world.add("quick"), "dead"];
    const failingUrl = await world.add(dead);
    const probed = Promise.withResolvers<void>();
    seesProbe = probed.promise;
    let probes = 0;
    world.on(dead, "/probe", (_, response) => {
      response.writeHead(isFailing ? 500 : 200).end();
      probes += isFailing ? 1 : 0;
      if (probes > 6) probed.resolve();
    });
    world.on("slow", "/probe", (_, response) => void setTimeout(() => response.end(), 200));
    world.on("slow", "/quickest", (_, response) => {
      setTimeout(() => response.end("slow"), 200);
    });
    stack = await startStack({
      env: {
        Host1: `host=${slow};path=/quickest;stripprefix=false;probe=probe`,
        Host2: `host=${quick};path=/quickest;stripprefix=false;probe=probe`,
        Host3: `host=${failingUrl};path=/dead;probe=probe`,
        Host4: `host=${slow};path=/silent;stripprefix=false;mode=direct;probe=never`,
        Host5: `host=${quick};path=/silent;stripprefix=false;mode=direct;probe=never`,
        Host6: `host=${quick};path=/again;stripprefix=false;mode=direct`,
        GATEWAY_SYNC_MODE: "direct",
        PollInterval: "300",
        PollTimeout: "2000",
        CBErrorThreshold: "3",
        Workers: "1",
      },
    });
  });
  afterAll(() => stack?.[Symbol.asyncDispose]());

  it("V45: prefers the one that is quicker to answer its probes", async () => {
    await expect.poll(() => world.seen("slow", "/probe").length).toBeGreaterThan(1);
    const names: string[] = [];
    for (let n = 0; n < 50; n++) names.push(await (await get("/quickest")).text());
    expect(names.filter((name) => name === "quick").length).toBeGreaterThanOrEqual(45);
  });

  it("V33 V65: leaves a silent backend, and after some time-outs asks it no more", async () => {
    world.on("slow", "/silent", silent);
    for (let n = 0; n < 6; n++) {
      const response = await get("/silent", { S7PTimeout: "300" });
      expect(await response.text()).toBe("quick");
    }
    expect(world.seen("slow", "/silent").length).toBeLessThanOrEqual(3);
  });

  it("V56 V58: sends again what a backend wants again, and serves others meanwhile", async () => {
    let calls = 0;
    world.on("quick", "/again", ({ target }, response) => {
      calls += target.includes("first") ? 1 : 0;
      const isFirst = target.includes("first") && calls === 1;
      if (!isFirst) response.end("fine");
      else response.writeHead(429, { S7PREQUEUE: "true", "retry-after-ms": "1000" }).end();
    });
    const startedAt = performance.now();
    const first = get("/again?first").then(async (response) => ({
      text: await response.text(),
      tookMs: performance.now() - startedAt,
    }));
    await expect.poll(() => world.seen("quick", "/again").length).toBe(1);
    expect(await (await get("/again?second")).text()).toBe("fine");
    expect(calls).toBe(1);
    const { text, tookMs } = await first;
    expect(text).toBe("fine");
    expect(tookMs).toBeGreaterThanOrEqual(990);
    const counters = world
      .seen("quick", "/again")
      .filter(({ target }) => target.includes("first"))
      .map(({ headers }) => headers["x-policycyclecounter"]);
    expect(counters).toEqual(["0", "1"]);
  });

  it("V70: answers at once for a backend that its probes took out, with no call", async () => {
    expect((await get("/dead/x")).status).toBe(200);
    isFailing = true;
    await seesProbe;
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
