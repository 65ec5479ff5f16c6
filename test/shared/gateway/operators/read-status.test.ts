import { describe, expect, it } from "vitest";
import {
  answering,
  handleRequest,
  instanceGauges,
  readStatus,
} from "../../../../shared/gateway/index.ts";
import { settle } from "../../../support/fake-clock.ts";
import { createGateway, requestTo } from "../../../support/gateway.ts";

const OPERATOR = [["x-operator-key", "of-an-operator"]] as const;

const open = () => createGateway({ OperatorKeys: "of-an-operator", Workers: "2" });
type Gateway = ReturnType<typeof open>;

async function statusOf({ services }: Gateway) {
  const { body } = await readStatus(services, OPERATOR);
  return JSON.parse(String(body));
}

function refusal({ services }: Gateway, headers: readonly (readonly [string, string])[]) {
  return answering(services, "request-1", () => readStatus(services, headers));
}

describe("the status of an instance", () => {
  it("is an operator's to see", async () => {
    const missing = await refusal(open(), []);
    expect(missing.status).toBe(401);
    expect(missing.headers).toContainEqual(["www-authenticate", "OperatorKey"]);
    expect((await refusal(open(), [["x-operator-key", "guessed"]])).status).toBe(403);
    const closed = createGateway();
    expect((await refusal(closed, OPERATOR)).status).toBe(403);
  });

  it("counts slots, and who waits for one", async () => {
    const gateway = open();
    const { slots } = gateway.services;
    const signal = new AbortController().signal;
    const held = [1, 2].map(() => slots.tryAcquire({ priority: 1, userId: "ann" }));
    void slots.acquire({ priority: 3, userId: "ben", signal, isLimited: false });
    await gateway.clock.advance(1500);
    expect(await statusOf(gateway)).toMatchObject({
      slots: { total: 2, running: 2, free: 0 },
      waiting: {
        total: 1,
        users: 2,
        oldestWaitMs: 1500,
        classes: expect.arrayContaining([
          expect.objectContaining({ priority: 1, running: 2, waiting: 0 }),
          expect.objectContaining({ priority: 3, waiting: 1, oldestWaitMs: 1500 }),
        ]),
      },
    });
    for (const slot of held) slot?.release();
    expect(await statusOf(gateway)).toMatchObject({ slots: { free: 1 }, waiting: { total: 0 } });
  });

  it("shows lanes and backends, and no address", async () => {
    const gateway = open();
    const status = await statusOf(gateway);
    expect(status.gates).toContainEqual({
      lane: "standard",
      capacity: 2,
      running: 0,
      waiting: 0,
    });
    expect(status.backends).toEqual([
      {
        label: "Host1",
        tier: 1,
        isHealthy: true,
        breaker: "closed",
        inFlight: 0,
        maxInFlight: null,
        utilization: null,
        latencyMs: null,
        failureRate: 0,
        throttledForMs: 0,
        waitingInLine: 0,
        mostUrgentInLine: null,
      },
    ]);
    expect(JSON.stringify(status)).not.toContain(gateway.services.settings.hosts[0]?.origin);
  });

  it("shows how much of a backend is in use, as its answers of the last minute say", async () => {
    const gateway = createGateway({
      OperatorKeys: "of-an-operator",
      GATEWAY_SYNC_MODE: "direct",
      Host1: "host=http://a.test;maxConcurrency=7",
    });
    gateway.backends.answer(200, "{}", [["Azure-OpenAI-Deployment-Utilization", "87.5%"]]);
    await handleRequest(gateway.services, requestTo(gateway), undefined);
    const use = async () => (await statusOf(gateway)).backends[0];
    expect(await use()).toMatchObject({ maxInFlight: 7, utilization: 0.875 });
    const gauges = instanceGauges(gateway.services).filter(([{ name }]) => /utiliz/.test(name));
    expect(gauges.map(([, labels, value]) => [labels, value])).toEqual([[["Host1"], 0.875]]);
    await gateway.clock.advance(60_001);
    expect(await use()).toMatchObject({ utilization: null });
  });

  it("tells by a gauge how long use has waited to be counted, whoever counts", () => {
    const { services } = open();
    const backlog = { oldestAgeMs: () => 660_000 };
    const gauges = instanceGauges({ ...services, usage: { ...services.usage, backlog } });
    const [told] = gauges.filter(([{ name }]) => name === "simplel7proxy.ledger.uncounted_age");
    expect(told?.slice(1)).toEqual([[], 660]);
  });

  it("has no lists where a brief one is asked for", async () => {
    const gateway = open();
    const { body } = await readStatus(gateway.services, OPERATOR, "/operations/status?brief=true");
    const { traffic, ...rest } = JSON.parse(String(body));
    expect(Object.keys(traffic)).toEqual(expect.arrayContaining(["requests", "firstByteMs"]));
    expect(Object.keys(traffic)).not.toEqual(expect.arrayContaining(["users"]));
    expect(Object.keys(traffic)).not.toEqual(expect.arrayContaining(["recent"]));
    expect(rest).toMatchObject({ slots: { total: 2 }, backends: [{ label: "Host1" }] });
    expect((await statusOf(gateway)).traffic).toMatchObject({ users: [], recent: [] });
  });

  it("shows who waits until a backend has rested", async () => {
    const gateway = createGateway({
      OperatorKeys: "of-an-operator",
      GATEWAY_SYNC_MODE: "direct",
      Host1: "host=http://a.test;tier=ptu",
      Host2: "host=http://b.test;tier=paygo",
      GATEWAY_ROUTING_SPILL: "*=never",
      PriorityKeys: "one,two",
      PriorityValues: "1,2",
    });
    gateway.backends.answer(429, "busy", [["retry-after", "2"]]);
    gateway.backends.answer(200);
    const serve = (key: string) => {
      const headers = [["S7PPriorityKey", key]] as const;
      return handleRequest(gateway.services, requestTo(gateway, { headers }), undefined);
    };
    const first = serve("two");
    await settle();
    const all = [first, ...["one", "two"].map(serve)];
    await settle();
    expect(await statusOf(gateway)).toMatchObject({
      awaitingBackends: 3,
      slots: { running: 0 },
      backends: [
        { label: "Host1", throttledForMs: 2000, waitingInLine: 3, mostUrgentInLine: 1 },
        { label: "Host2", waitingInLine: 0, mostUrgentInLine: null },
      ],
    });
    await gateway.clock.advance(10_000);
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await statusOf(gateway)).toMatchObject({
      awaitingBackends: 0,
      backends: [{ waitingInLine: 0, mostUrgentInLine: null }, {}],
    });
  });

  it("says why the instance should get no requests", async () => {
    const gateway = open();
    expect(await statusOf(gateway)).toMatchObject({ isReady: true, readinessProblems: [] });
    gateway.stop();
    const stopped = { isReady: false, readinessProblems: ["stopping"] };
    expect(await statusOf(gateway)).toMatchObject(stopped);
    const withoutPolicy = createGateway({
      OperatorKeys: "of-an-operator",
      UseProfiles: "true",
      UserConfigUrl: "file:none",
    });
    expect(await statusOf(withoutPolicy)).toMatchObject({
      readinessProblems: ["policy-not-loaded"],
      policy: { documents: [expect.objectContaining({ name: "profiles", isStale: true })] },
    });
  });
});
