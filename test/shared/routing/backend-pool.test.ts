import { describe, expect, it } from "vitest";
import { BackendPool, type CallOutcome, type RouteQuery } from "../../../shared/routing/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { settingsWith } from "../../support/settings.ts";

const QUERY: RouteQuery = {
  priority: 2,
  receivedAt: 0,
  expiresAt: Number.POSITIVE_INFINITY,
  tried: new Map(),
  isRetry: false,
};
const ENV = { LoadBalanceMode: "roundrobin", CBErrorThreshold: "5", CBTimeslice: "10" };

function poolWith(env: Record<string, string> = {}) {
  const clock = new FakeClock();
  const settings = settingsWith({ ...ENV, Host1: "http://a.test", ...env });
  const pool = new BackendPool({ settings, clock, random: () => 0.5 });
  const select = () => {
    const selection = pool.select("/", QUERY);
    if (!selection) throw new Error("No backend serves the path.");
    return selection;
  };
  /** Calls whoever is next, and says who that was. */
  const call = (outcome: CallOutcome): string | undefined => {
    const selection = select();
    const turn = pool.begin(selection, false);
    turn?.settle(outcome, clock.now());
    turn?.release();
    return selection.candidates[0]?.host.id;
  };
  return { pool, clock, select, call };
}

/** Its probes fail until it is not used any more. */
function takenOut(backend: BackendPool["backends"][number] | undefined): void {
  backend?.health.record(true, 0.8);
  while (backend?.health.isHealthy) backend.health.record(false, 0.8);
}

const BROKEN: CallOutcome = { failure: "broken" };
const ANSWERED: CallOutcome = { verdict: { kind: "answered" }, firstByteMs: 5 };
const reload = (env: Record<string, string>) => settingsWith({ ...ENV, ...env });

describe("BackendPool", () => {
  it("keeps what it knows of a backend when others come, or its weight changes (V94)", () => {
    const { pool, call, select } = poolWith();
    for (let n = 0; n < 4; n++) call(BROKEN);
    pool.useSettings(reload({ Host1: "host=http://a.test;weight=5", Host2: "http://c.test" }));
    expect(call(BROKEN)).toBe("Host1");
    expect(select().passedOver).toMatchObject([{ backend: "Host1", reason: "breaker" }]);
  });

  it("takes a backend back that its probes took out, when it is not to be probed any more", () => {
    const { pool, select } = poolWith();
    const [backend] = pool.backends;
    takenOut(backend);
    expect(select().passedOver).toMatchObject([{ reason: "health" }]);
    pool.useSettings(reload({ Host1: "host=http://a.test;mode=direct" }));
    expect(select().candidates).toHaveLength(1);
  });

  it.each(["refused", "elsewhere"] as const)(
    "does not prefer one that answers nothing but %s to one that serves",
    async (kind) => {
      const { call, clock } = poolWith({ LoadBalanceMode: "latency", Host2: "http://b.test" });
      const useless: CallOutcome = { verdict: { kind }, firstByteMs: 1 };
      expect([call(useless), call(ANSWERED)]).toEqual(["Host1", "Host2"]);
      expect([1, 2, 3].map(() => call(ANSWERED))).toEqual(["Host2", "Host2", "Host2"]);
      // It may be well by now: one call finds out.
      await clock.advance(10_000);
      expect([call(useless), call(ANSWERED)]).toEqual(["Host1", "Host2"]);
    },
  );

  it("begins anew with a backend that is somewhere else now", () => {
    const { pool, call, select } = poolWith();
    for (let n = 0; n < 5; n++) call(BROKEN);
    pool.useSettings(reload({ Host1: "http://elsewhere.test" }));
    expect(select().candidates).toHaveLength(1);
  });

  it("lets a call finish whose backend was removed meanwhile", () => {
    const { pool, clock, select } = poolWith();
    const turn = pool.begin(select(), false);
    pool.useSettings(reload({ Host1: "http://elsewhere.test" }));
    turn?.settle(ANSWERED, clock.now());
    turn?.release();
    expect(select().candidates[0]).toMatchObject({ inFlight: 0, latencyMs: undefined });
  });

  it("knows a backend that comes back within ten minutes, and its calls for as long as they run", async () => {
    const { pool, clock, select, call } = poolWith({ CBTimeslice: "10000" });
    const turn = pool.begin(select(), false);
    for (let n = 0; n < 5; n++) call(BROKEN);
    const goneFor = async (ms: number) => {
      pool.useSettings(reload({ Host1: "http://elsewhere.test", CBTimeslice: "10000" }));
      await clock.advance(ms);
      pool.useSettings(reload({ Host1: "http://a.test", CBTimeslice: "10000" }));
      const { candidates, passedOver } = select();
      return [candidates[0]?.inFlight, passedOver[0]?.reason];
    };
    expect(await goneFor(600_000)).toEqual([undefined, "breaker"]);
    expect(await goneFor(3_600_000)).toEqual([undefined, "breaker"]);
    turn?.release();
    expect(await goneFor(600_001)).toEqual([0, undefined]);
  });

  it("knows a backend that moves up because one before it was taken out", () => {
    const { pool, call, select } = poolWith({ Host2: "host=http://b.test;path=/only" });
    pool.useSettings(reload({ Host1: "http://c.test", Host2: "http://a.test" }));
    for (let n = 0; n < 20; n++) call(BROKEN);
    pool.useSettings(reload({ Host1: "http://a.test" }));
    expect(select().passedOver).toMatchObject([{ backend: "Host1", reason: "breaker" }]);
  });

  it("has those look again who wait for room when there is more of it, or none any more", async () => {
    const { pool, clock, select } = poolWith({ Host1: "host=http://a.test;maxconcurrency=1" });
    pool.begin(select(), false);
    const { signal } = new AbortController();
    const keys = new Set(pool.backends.map(({ key }) => key));
    for (const host of ["host=http://a.test;maxconcurrency=9", "host=http://b.test"]) {
      const waiting = pool.room.wait({ keys, priority: 1, atMostMs: 60_000, signal });
      pool.useSettings(reload({ Host1: host }));
      expect(await waiting).toBeUndefined();
    }
    expect([pool.room.waiting, clock.pending]).toEqual([0, 0]);
  });

  it("counts a call as long as it holds its place, once, and across a reload", () => {
    const { pool, select } = poolWith({ Host1: "host=http://a.test;maxconcurrency=2" });
    const turns = [pool.begin(select(), false), pool.begin(select(), false)];
    expect(select().passedOver).toMatchObject([{ reason: "concurrency" }]);
    pool.useSettings(reload({ Host1: "host=http://a.test;maxconcurrency=3" }));
    expect(select().candidates[0]).toMatchObject({ inFlight: 2 });
    for (const turn of [...turns, ...turns]) turn?.release();
    expect(select().candidates[0]).toMatchObject({ inFlight: 0 });
  });

  it("wakes the most urgent of those that wait for room, one for each call that ends", async () => {
    const { pool, clock, select } = poolWith({ Host1: "host=http://a.test;maxconcurrency=1" });
    const turn = pool.begin(select(), false);
    const keys = new Set(pool.backends.map(({ key }) => key));
    const woken: string[] = [];
    const wait = (name: string, priority: number, names = keys) =>
      void pool.room
        .wait({ keys: names, priority, atMostMs: 1000, signal: new AbortController().signal })
        .then(() => woken.push(name));
    wait("later", 2);
    wait("elsewhere", 1, new Set(["other"]));
    wait("urgent", 1);
    wait("last", 2);
    turn?.release();
    turn?.release();
    await settle();
    expect(woken).toEqual(["urgent"]);
    await clock.advance(1000);
    expect(woken).toEqual(["urgent", "later", "elsewhere", "last"]);
    expect([clock.pending, pool.room.waiting]).toEqual([0, 0]);
  });

  it("blames no backend for what is about the request, or about its sender (V119)", () => {
    const { call, select } = poolWith();
    const innocent: CallOutcome[] = [
      { verdict: { kind: "refused" }, firstByteMs: 1 },
      { verdict: { kind: "elsewhere" }, firstByteMs: 1 },
      { verdict: { kind: "requeued", delayMs: 10 }, firstByteMs: 1 },
      { failure: "cancelled" },
      { failure: "timed-out", waitedMs: 1, limitMs: 1000 },
    ];
    for (let n = 0; n < 50; n++) for (const outcome of innocent) call(outcome);
    expect(select().candidates[0]).toMatchObject({ failureRate: 0, throttledUntil: 0 });
  });

  it.each<[string, CallOutcome]>([
    ["a broken connection", BROKEN],
    ["a time-out", { failure: "timed-out", waitedMs: 300, limitMs: 60_000 }],
    ["a failure", { verdict: { kind: "failed" }, firstByteMs: 1 }],
  ])("counts %s", (_, outcome) => {
    const { call, select } = poolWith();
    for (let n = 0; n < 5; n++) call(outcome);
    expect(select().passedOver).toMatchObject([{ reason: "breaker" }]);
  });

  it("counts an answer that broke off after it had begun", () => {
    const { pool, clock, select } = poolWith();
    for (let n = 0; n < 5; n++) {
      const turn = pool.begin(select(), false);
      turn?.settle(ANSWERED, clock.now());
      turn?.broke(clock.now());
      turn?.release();
    }
    expect(select().passedOver).toMatchObject([{ reason: "breaker" }]);
  });

  it("counts against a backend's retries only those in vain, and gives a share back for successes", () => {
    const { pool, clock, select, call } = poolWith({ CBErrorThreshold: "1000" });
    const retry = (outcome: CallOutcome): void => {
      const turn = pool.begin(select(), true);
      turn?.settle(outcome, clock.now());
      turn?.release();
    };
    const canRetry = () => select().candidates[0]?.canRetry;
    for (let n = 0; n < 30; n++) {
      retry({ verdict: { kind: "requeued", delayMs: 1 }, firstByteMs: 1 });
      retry({ verdict: { kind: "refused" }, firstByteMs: 1 });
    }
    expect(canRetry()).toBe(true);
    for (let n = 0; n < 30; n++) retry(ANSWERED);
    expect(canRetry()).toBe(true);
    for (let n = 0; n < 20; n++) retry(BROKEN);
    expect(canRetry()).toBe(false);
    for (let n = 0; n < 5; n++) call(ANSWERED);
    expect(canRetry()).toBe(true);
  });

  it("lets a throttled backend rest for as long as it asked, but not for ever", async () => {
    const { clock, call, select } = poolWith();
    const throttled = (waitMs: number): CallOutcome => ({
      verdict: { kind: "throttled", waitMs },
      firstByteMs: 1,
    });
    call(throttled(2000));
    await clock.advance(1999);
    expect(select().passedOver).toMatchObject([{ reason: "throttled" }]);
    await clock.advance(1);
    call(throttled(1e12));
    await clock.advance(3_600_000);
    expect(select().candidates).toHaveLength(1);
  });

  it("says who is active: neither out by probes nor behind an open breaker", () => {
    const { pool, call } = poolWith({ Host2: "http://b.test", Host3: "http://c.test" });
    const [, b] = pool.backends;
    takenOut(b);
    expect(pool.activeHosts()).toEqual(["Host1", "Host3"]);
    while (pool.activeHosts().length > 0) call(BROKEN);
    expect(call(BROKEN)).toBeUndefined();
  });

  const affinities = (env: Record<string, string>) => {
    const { pool } = poolWith(env);
    return pool.settings.hosts.map((host) => pool.affinityOf(host));
  };

  it("gives affinity values that are stable, differ, and name nothing", () => {
    const hosts = { Host1: "http://a.test", Host2: "http://b.test" };
    const values = affinities(hosts);
    expect(new Set(values).size).toBe(2);
    expect(values.join()).not.toMatch(/host|test/i);
    expect(affinities({ ...hosts, Host1: "host=http://a.test;weight=3" })).toEqual(values);
    for (const salt of ["GATEWAY_ROUTING_AFFINITY_SALT", "GATEWAY_CREDENTIAL_KEY"]) {
      const secret = Buffer.alloc(32, "k").toString("base64");
      const [salted] = affinities({ ...hosts, [salt]: secret });
      expect(values).not.toContain(salted);
    }
  });

  it("gives a host the same affinity under whatever number, and apart from its neighbours", () => {
    const twins = { Host1: "http://a.test", Host2: "http://a.test" };
    const [first, second] = affinities(twins);
    expect(first).not.toBe(second);
    const pinned = "host=http://a.test;ipaddress=10.0.0.1";
    const model = "host=http://a.test;model=other";
    const values = affinities({ Host1: "http://a.test", Host2: pinned, Host3: model });
    expect(new Set(values).size).toBe(3);
    const turned = affinities({ Host1: model, Host2: pinned, Host3: "http://a.test" });
    expect(turned).toEqual(values.toReversed());
  });

  it("follows a client's affinity through a reload that gives its host another number", () => {
    const two = { Host1: "http://a.test", Host2: "http://b.test" };
    const { pool } = poolWith(two);
    const [, b] = pool.settings.hosts;
    if (!b) throw new Error("There is no second host.");
    const affinity = pool.affinityOf(b);
    pool.useSettings(reload({ Host1: "http://b.test", Host2: "http://a.test" }));
    // Of a call that began before.
    expect(pool.affinityOf(b)).toBe(affinity);
    expect(pool.isAffinity(affinity)).toBe(true);
    const selection = pool.select("/", { ...QUERY, affinity });
    expect(selection).toMatchObject({
      isAffine: true,
      candidates: [{ host: { origin: "http://b.test" } }, { host: { origin: "http://a.test" } }],
    });
    pool.useSettings(reload({ Host1: "http://a.test" }));
    expect(pool.isAffinity(affinity)).toBe(false);
  });
});
