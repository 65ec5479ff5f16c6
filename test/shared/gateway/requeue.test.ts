import { describe, expect, it } from "vitest";
import { handleRequest } from "../../../shared/gateway/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { createGateway, requestTo, type TestGateway } from "../../support/gateway.ts";
import { bodyOf, textOf } from "../../support/streams.ts";

const open = (env: Record<string, string> = {}): TestGateway =>
  createGateway({
    GATEWAY_SYNC_MODE: "direct",
    LoadBalanceMode: "roundrobin",
    Workers: "1",
    ...env,
  });

async function serve(gateway: TestGateway, change: Parameters<typeof requestTo>[1] = {}) {
  const response = await handleRequest(gateway.services, requestTo(gateway, change), undefined);
  return { status: response.status, text: await textOf(response.body), headers: response.headers };
}

const asksAgain = (gateway: TestGateway, ...headers: [string, string][]): void =>
  gateway.backends.answer(429, "later", [["S7PREQUEUE", "True"], ...headers]);

const hostsOf = ({ backends }: TestGateway): string[] => backends.calls.map(({ host }) => host.id);
const headerOf = (gateway: TestGateway, call: number, name: string): string | undefined =>
  gateway.backends.calls[call]?.headers.find(([key]) => key === name)?.[1];

describe("a request that a backend wants again", () => {
  it("is sent again after the wait that was asked for, and not before (V56)", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "500"]);
    gateway.backends.answer(200, "fine");
    const serving = serve(gateway);
    await gateway.clock.advance(499);
    expect(gateway.backends.calls).toHaveLength(1);
    await gateway.clock.advance(1);
    const { status, text, headers } = await serving;
    expect([status, text]).toEqual([200, "fine"]);
    expect(headers).toContainEqual(["x-attempts", "2"]);
    expect(headers).toContainEqual(["x-request-queue-duration", "500"]);
    expect(gateway.clock.pending).toBe(0);
  });

  it("waits no longer than the first of its backends asks (V57)", async () => {
    const gateway = open({ Host2: "http://backend-2.test" });
    asksAgain(gateway, ["retry-after-ms", "5000"]);
    asksAgain(gateway, ["retry-after-ms", "400"]);
    gateway.backends.answer(200);
    const serving = serve(gateway);
    await gateway.clock.advance(400);
    expect((await serving).status).toBe(200);
  });

  it.each([
    ["seconds", (): [string, string] => ["retry-after", "1"]],
    [
      "a date",
      (g: TestGateway): [string, string] => [
        "Retry-After",
        new Date(g.clock.now() + 1000).toUTCString(),
      ],
    ],
    ["nothing that can be read", (): [string, string] => ["retry-after", "soon"]],
  ])("waits a second when %s says so (V60)", async (_, header) => {
    const gateway = open();
    asksAgain(gateway, header(gateway));
    gateway.backends.answer(200);
    const serving = serve(gateway);
    await gateway.clock.advance(999);
    expect(gateway.backends.calls).toHaveLength(1);
    await gateway.clock.advance(1);
    expect((await serving).status).toBe(200);
  });

  it("holds no slot while it waits (V58)", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "2000"]);
    gateway.backends.answer(200, "second");
    const first = serve(gateway);
    await settle();
    expect(gateway.services.slots.running).toBe(0);
    expect((await serve(gateway, { id: "request-2" })).text).toBe("second");
    await gateway.clock.advance(2000);
    expect((await first).status).toBe(200);
  });

  it("tells the backend which request it is, and how often it has been sent (V61)", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "60"]);
    asksAgain(gateway, ["retry-after-ms", "60"], ["x-PolicyCycleCounter", "7"]);
    gateway.backends.answer(200);
    const serving = serve(gateway, { headers: [["x-policycyclecounter", "99"]] });
    await gateway.clock.advance(120);
    await serving;
    const seen = [0, 1, 2].map((call) => headerOf(gateway, call, "x-PolicyCycleCounter"));
    expect(seen).toEqual(["0", "1", "7"]);
    expect(headerOf(gateway, 0, "x-policycyclecounter")).toBeUndefined();
    expect([0, 1, 2].map((call) => headerOf(gateway, call, "x-S7P-ID"))).toEqual(
      Array(3).fill("request-1"),
    );
  });

  it("is seen by the backend under the same path each time (V62)", async () => {
    const gateway = open({ Host1: "host=http://a.test;path=/chat" });
    asksAgain(gateway, ["retry-after-ms", "60"]);
    gateway.backends.answer(200);
    const serving = serve(gateway, { target: "/chat/x" });
    await gateway.clock.advance(60);
    await serving;
    expect(gateway.backends.calls.map(({ target }) => target)).toEqual(["/x", "/x"]);
  });

  it("is served before those of its class that came after it (V59)", async () => {
    const gateway = open();
    const served: string[] = [];
    const blocker = Promise.withResolvers<void>();
    asksAgain(gateway, ["retry-after-ms", "300"]);
    gateway.backends.answers.push(async ({ headers }) => {
      const id = headers.find(([name]) => name === "x-S7P-ID")?.[1] ?? "";
      if (id === "blocker") await blocker.promise;
      served.push(id);
      return { status: 200, headers: [], body: bodyOf("ok"), discard() {} };
    });
    const all = [serve(gateway, { id: "R1" })];
    await settle();
    all.push(serve(gateway, { id: "blocker" }));
    await gateway.clock.advance(100);
    for (const id of ["R2", "R3", "R4", "R5"]) all.push(serve(gateway, { id }));
    await gateway.clock.advance(300);
    blocker.resolve();
    await Promise.all(all);
    expect(served).toEqual(["blocker", "R1", "R2", "R3", "R4", "R5"]);
  });

  it("is not sent in a tight loop, however little its backend asks for", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "0"]);
    const serving = serve(gateway, { headers: [["S7PTTL", "1"]] });
    await gateway.clock.advance(1000);
    expect((await serving).status).toBe(429);
    expect(gateway.backends.calls.length).toBe(20);
  });

  it("is judged by what its backends say when it comes again, not before", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after-ms", "100"]);
    gateway.backends.answer(500, "broken");
    const serving = serve(gateway);
    await gateway.clock.advance(100);
    expect(await serving).toMatchObject({ status: 500, text: "broken" });
  });

  it("does not wait for a time that is beyond its own", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after", "60"]);
    const answer = await serve(gateway, { headers: [["S7PTTL", "5"]] });
    expect(answer).toMatchObject({ status: 429, text: "later" });
    expect(answer.headers).toContainEqual(["retry-after", "60"]);
  });

  it("ends at its deadline or with its client, whatever it waits for", async () => {
    const gateway = open();
    asksAgain(gateway, ["retry-after", "60"]);
    const leaving = new AbortController();
    const serving = serve(gateway, { closed: leaving.signal });
    await settle();
    leaving.abort(new Error("gone"));
    await serving;
    expect(gateway.backends.calls).toHaveLength(1);
    expect([gateway.clock.pending, gateway.services.pool.room.waiting]).toEqual([0, 0]);
  });

  it("does not come back to a backend that was silent", async () => {
    const gateway = open({ Host2: "http://backend-2.test" });
    gateway.backends.silence();
    for (let n = 0; n < 4; n++) asksAgain(gateway, ["retry-after-ms", "100"]);
    gateway.backends.answer(200);
    const serving = serve(gateway, { headers: [["S7PTimeout", "1000"]] });
    await gateway.clock.advance(1400);
    expect((await serving).status).toBe(200);
    expect(hostsOf(gateway)).toEqual(["Host1", ...Array(5).fill("Host2")]);
  });
});

describe("fixed capacity", () => {
  const ptuFirst = (spill: string, env: Record<string, string> = {}): TestGateway =>
    open({
      Workers: "10",
      Host1: "host=http://a.test;tier=ptu;maxconcurrency=1",
      Host2: "host=http://b.test;tier=paygo",
      GATEWAY_ROUTING_SPILL: spill,
      ...env,
    });

  it("spills at once where it may, and says so in the receipt", async () => {
    const gateway = ptuFirst("*=now");
    gateway.backends.silence();
    gateway.backends.answer(200);
    void serve(gateway);
    await settle();
    expect((await serve(gateway)).status).toBe(200);
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2"]);
    expect(gateway.receipts.at(-1)).toMatchObject({ spill: { tier: 2, afterMs: 0 } });
  });

  it("spills after a wait, without a slot", async () => {
    const gateway = ptuFirst("2=after:2000");
    gateway.backends.silence();
    gateway.backends.answer(200);
    void serve(gateway);
    await settle();
    const waiting = serve(gateway);
    await gateway.clock.advance(1999);
    expect(hostsOf(gateway)).toEqual(["Host1"]);
    expect(gateway.services.slots.running).toBe(1);
    await gateway.clock.advance(1);
    expect((await waiting).status).toBe(200);
    expect(gateway.receipts.at(-1)).toMatchObject({
      waitedMs: 2000,
      spill: { tier: 2, afterMs: 2000 },
    });
  });

  it("spills only when the deadline is near", async () => {
    const gateway = ptuFirst("2=deadline:30000");
    gateway.backends.silence();
    gateway.backends.answer(200);
    void serve(gateway);
    await settle();
    const waiting = serve(gateway, { headers: [["S7PTTL", "100"]] });
    await gateway.clock.advance(69_999);
    expect(hostsOf(gateway)).toEqual(["Host1"]);
    await gateway.clock.advance(1);
    expect((await waiting).status).toBe(200);
  });

  it("is used as soon as there is room again", async () => {
    const gateway = ptuFirst("2=never");
    const first = Promise.withResolvers<void>();
    gateway.backends.answers.push(async () => {
      await first.promise;
      return { status: 200, headers: [], body: (async function* () {})(), discard() {} };
    });
    gateway.backends.answer(200);
    const running = serve(gateway);
    await settle();
    const waiting = serve(gateway);
    await gateway.clock.advance(500);
    first.resolve();
    await running;
    await waiting;
    expect(hostsOf(gateway)).toEqual(["Host1", "Host1"]);
    expect(gateway.receipts.at(-1)).toMatchObject({ waitedMs: 500 });
  });

  it.each([
    ["2=never", {}],
    ["2=after:60000", { MaxAttempts: "1" }],
    ["2=deadline:1000", { IterationMode: "multipass" }],
  ])("is waited for when it rests but for a moment, with %s", async (spill, env) => {
    const gateway = ptuFirst(spill, env);
    for (let n = 0; n < 5; n++) gateway.backends.answer(429, "busy", [["retry-after-ms", "30"]]);
    gateway.backends.answer(200);
    const waiting = serve(gateway);
    await gateway.clock.advance(20_000);
    expect((await waiting).status).toBe(200);
    expect(new Set(hostsOf(gateway))).toEqual(new Set(["Host1"]));
    expect(gateway.backends.calls).toHaveLength(6);
  });

  const idsOf = ({ backends }: TestGateway): (string | undefined)[] =>
    backends.calls.map(({ headers }) => headers.find(([name]) => name === "x-S7P-ID")?.[1]);
  const ofClass = (key: string): [string, string][] => [["S7PPriorityKey", key]];
  const CLASSES = { PriorityKeys: "one,two,three", PriorityValues: "1,2,3", Workers: "50" };

  it("is come back to by one that waits, the most urgent, and then by few at a time", async () => {
    const gateway = ptuFirst("*=never", CLASSES);
    gateway.backends.answer(429, "busy", [["retry-after", "2"]]);
    gateway.backends.answer(200);
    const all = [serve(gateway, { id: "first", headers: ofClass("three") })];
    await settle();
    for (let n = 0; n < 30; n++) {
      all.push(serve(gateway, { id: `batch-${n}`, headers: ofClass("three") }));
    }
    all.push(serve(gateway, { id: "urgent", headers: ofClass("one") }));
    await gateway.clock.advance(1999);
    expect(idsOf(gateway)).toEqual(["first"]);
    expect(gateway.services.slots.running).toBe(0);
    await gateway.clock.advance(1);
    expect(idsOf(gateway)).toEqual(["first", "urgent"]);
    await gateway.clock.advance(500);
    expect(idsOf(gateway).slice(2)).toEqual(["first"]);
    await gateway.clock.advance(60_000);
    expect((await Promise.all(all)).every(({ status }) => status === 200)).toBe(true);
    expect(idsOf(gateway).slice(3)).toEqual(Array.from({ length: 30 }, (_, n) => `batch-${n}`));
    expect([gateway.clock.pending, gateway.services.pool.room.waiting]).toEqual([0, 0]);
  });

  it("is passed to a more urgent newcomer at once, but not to one that is no more so", async () => {
    const gateway = ptuFirst("*=never", CLASSES);
    gateway.backends.answer(429, "busy", [["retry-after", "2"]]);
    gateway.backends.answer(200);
    const all = ["a", "b", "c"].map((id) => serve(gateway, { id, headers: ofClass("two") }));
    await gateway.clock.advance(2000);
    expect(idsOf(gateway)).toEqual(["a", "a"]);
    all.push(serve(gateway, { id: "equal", headers: ofClass("two") }));
    all.push(serve(gateway, { id: "urgent", headers: ofClass("one") }));
    await settle();
    expect(idsOf(gateway)).toEqual(["a", "a", "urgent"]);
    await gateway.clock.advance(10_000);
    await Promise.all(all);
    expect(idsOf(gateway).slice(3)).toEqual(["b", "c", "equal"]);
    expect(gateway.receipts.at(-1)).toMatchObject({
      decisions: [{ passedOver: [{ reason: "line" }, { reason: "tier" }] }, {}],
    });
  });

  it("is waited for no longer than until there is leave to spill, or until the client leaves", async () => {
    const gateway = ptuFirst("2=after:3000", { ...CLASSES, DefaultPriority: "2" });
    gateway.backends.answer(429, "busy", [["retry-after", "60"]]);
    gateway.backends.answer(200);
    const leaving = new AbortController();
    const left = serve(gateway, { id: "left", closed: leaving.signal });
    const spilling = serve(gateway, { id: "spills" });
    await gateway.clock.advance(1000);
    leaving.abort(new Error("gone"));
    await left;
    await gateway.clock.advance(2000);
    expect((await spilling).status).toBe(200);
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2"]);
    expect([gateway.clock.pending, gateway.services.pool.room.waiting]).toEqual([0, 0]);
  });

  it("is tried by one when its breaker lets one through, not by all that wait", async () => {
    const gateway = ptuFirst("*=never", { ...CLASSES, CBErrorThreshold: "1", CBTimeslice: "10" });
    gateway.backends.refuse();
    await serve(gateway, { id: "breaks" });
    gateway.backends.answers.splice(0);
    gateway.backends.answer(200);
    const all = ["a", "b", "c"].map((id) => serve(gateway, { id }));
    await gateway.clock.advance(10_000);
    expect(idsOf(gateway)).toEqual(["breaks", "a"]);
    await gateway.clock.advance(5_000);
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(idsOf(gateway)).toEqual(["breaks", "a", "b", "c"]);
  });

  it("is looked for anew by all that wait when it is taken out of the settings", async () => {
    const gateway = ptuFirst("*=never", CLASSES);
    gateway.backends.answer(429, "busy", [["retry-after", "100"]]);
    gateway.backends.answer(200);
    const waiting = serve(gateway);
    await settle();
    const { pool, settings } = gateway.services;
    pool.useSettings({ ...settings, hosts: settings.hosts.slice(1) });
    expect((await waiting).status).toBe(200);
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2"]);
  });

  it("is asked once each where there is no leave to wait for, and its 429 is the answer", async () => {
    const gateway = open({ Host2: "http://backend-2.test" });
    gateway.backends.answer(429, "busy", [["retry-after-ms", "30"]]);
    expect(await serve(gateway)).toMatchObject({ status: 429, text: "busy" });
    expect(hostsOf(gateway)).toEqual(["Host1", "Host2"]);
  });

  it("counts against the attempts of a request that goes round", async () => {
    const gateway = open({ IterationMode: "multipass", MaxAttempts: "3" });
    gateway.backends.answer(429, "busy", [["retry-after-ms", "1"]]);
    const serving = serve(gateway);
    await gateway.clock.advance(10_000);
    expect((await serving).status).toBe(429);
    expect(gateway.backends.calls).toHaveLength(3);
  });

  it("is waited for when it is throttled, by a class that may not spill", async () => {
    const gateway = ptuFirst("2=never");
    gateway.backends.answer(429, "busy", [["retry-after", "3"]]);
    gateway.backends.answer(200);
    const waiting = serve(gateway);
    await gateway.clock.advance(3000);
    expect((await waiting).status).toBe(200);
    expect(hostsOf(gateway)).toEqual(["Host1", "Host1"]);
  });
});
