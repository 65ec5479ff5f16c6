import { describe, expect, it } from "vitest";
import { settle } from "../../../support/fake-clock.ts";
import type { TestGateway } from "../../../support/gateway.ts";
import { envelopeFor, run } from "../../../support/lane-messages.ts";
import { hostsOf, openPair, serve } from "../../../support/serving.ts";

const open = (env: Record<string, string> = {}): TestGateway =>
  openPair({ Workers: "1", Host2: "", ...env });

const ptuFirst = (spill: string, env: Record<string, string> = {}): TestGateway =>
  open({
    Workers: "10",
    Host1: "host=http://a.test;tier=ptu;maxconcurrency=1",
    Host2: "host=http://b.test;tier=paygo",
    GATEWAY_ROUTING_SPILL: spill,
    ...env,
  });
const idsOf = ({ backends }: TestGateway): (string | undefined)[] =>
  backends.calls.map(({ headers }) => headers.find(([name]) => name === "x-S7P-ID")?.[1]);
const ofClass = (key: string): [string, string][] => [["S7PPriorityKey", key]];
const CLASSES = { PriorityKeys: "one,two,three", PriorityValues: "1,2,3", Workers: "50" };

describe("fixed capacity", () => {
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

describe("messages whose backend rests", () => {
  it("come again in waves after its rest, more urgent ones first, and leave at their own time", async () => {
    const gateway = ptuFirst("*=never", CLASSES);
    const { backends, bus, clock } = gateway;
    backends.answer(429, "busy", [["retry-after", "2"]]);
    const startedAt = clock.now();
    const change = { receivedAt: startedAt, expiresAt: startedAt + 60_000 };
    for (let n = 0; n < 4; n++) await run(gateway, envelopeFor(gateway, change));
    await run(gateway, envelopeFor(gateway, { ...change, priority: 1 }));
    const times = bus.sent.map(({ message }) => (message.scheduledAt ?? 0) - startedAt);
    expect(times).toEqual([2000, 2500, 2500, 3000, 2000]);
    expect(backends.calls).toHaveLength(1);
  });

  it("come again when they may spill, or in time for their deadline, if that is sooner", async () => {
    const gateway = ptuFirst("2=after:2200,3=never", CLASSES);
    const { backends, bus, clock } = gateway;
    backends.answer(429, "busy", [["retry-after", "2"]]);
    const startedAt = clock.now();
    const change = { receivedAt: startedAt, expiresAt: startedAt + 2400, priority: 2 };
    for (let n = 0; n < 3; n++) await run(gateway, envelopeFor(gateway, change));
    await run(gateway, envelopeFor(gateway, { ...change, priority: 3 }));
    const times = bus.sent.map(({ message }) => (message.scheduledAt ?? 0) - startedAt);
    expect(times).toEqual([2000, 2200, 2200, 2000]);
  });
});
