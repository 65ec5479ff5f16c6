import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../../shared/backends/index.ts";
import { GatewayError } from "../../../../shared/core/errors.ts";
import { problemResponse } from "../../../../shared/core/problem.ts";
import { RouteTrip } from "../../../../shared/gateway/calls/route-trip.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { readReplyEnvelope } from "../../../../shared/messaging/envelope.ts";
import { readRequestEnvelope } from "../../../../shared/messaging/index.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import { envelopeFor, run, standardLane } from "../../../support/lane-messages.ts";
import { bodyOf } from "../../../support/streams.ts";

const TWO = { Host1: "host=http://a.test;mode=direct", Host2: "host=http://b.test;mode=direct" };
const AGAIN = [
  ["S7PREQUEUE", "true"],
  ["retry-after-ms", "500"],
] as const;
const ROUND_ROBIN = { ...TWO, LoadBalanceMode: "roundrobin" };

/** The message that was sent for later, as its lane's trigger would hand it on. */
function scheduled({ bus }: TestGateway) {
  const sent = bus.sent.filter(({ queue }) => queue !== "replies").at(-1);
  return readRequestEnvelope(JSON.stringify(sent?.message.body));
}

const replyOf = ({ bus }: TestGateway) =>
  bus.sent.find(({ queue }) => queue === "replies")?.message.body as {
    headers: [string, string][];
    attempts: number;
    processMs: number;
  };

const cycles = ({ backends }: TestGateway) =>
  backends.calls.map(({ headers }) => Object.fromEntries(headers)["x-PolicyCycleCounter"]);

describe("what is remembered of a request's way", () => {
  const facts = {
    ...{ requestId: "r", priority: 1, receivedAt: 0, expiresAt: 1, affinity: undefined },
    ...{ trace: undefined, isPatient: false },
  };

  it("stays small, however often its backends ask for a wait", () => {
    const trip = new RouteTrip(facts);
    const record = { backend: "Host1", tier: 1, atMs: 0, tookMs: 3, status: 429, outcome: "x" };
    for (let attempt = 0; attempt < 5000; attempt++) {
      trip.attempted(record, 1);
      trip.cameTo(attempt % 2 === 0 ? 503 : 429);
    }
    expect(trip.attempts.length).toBeLessThanOrEqual(100);
    const memory = trip.memory(0);
    expect(memory).toMatchObject({ attempts: 5000, processMs: 15_000, statuses: [503, 429] });
    expect(new RouteTrip(facts, { memory }).memory(0)).toEqual(memory);
  });
});

describe("a request that comes out of its lane again", () => {
  it("can be read, whatever a backend counts, and though the clock was set back meanwhile", async () => {
    const gateway = createGateway();
    const { backends, clock } = gateway;
    const counted = ["x-PolicyCycleCounter", String(Number.MAX_SAFE_INTEGER)] as const;
    const setBack = (status: number) => () => {
      clock.setBack(5000);
      return { status, headers: [...AGAIN, counted], body: bodyOf("ok"), discard() {} };
    };
    backends.answers.push(setBack(429), setBack(429), setBack(200));
    await run(gateway, envelopeFor(gateway));
    await run(gateway, scheduled(gateway));
    await run(gateway, scheduled(gateway));
    const reply = readReplyEnvelope(replyOf(gateway));
    expect(reply).toMatchObject({ status: 200, attempts: 3, processMs: 0 });
  });

  it("does not go back to a backend that was silent", async () => {
    const gateway = createGateway(ROUND_ROBIN);
    const { backends, clock } = gateway;
    backends.answers.push(() => {
      throw new BackendFailure("first-byte-timeout", "silent", { mayHaveBegun: true });
    });
    backends.answer(429, "", AGAIN);
    await run(gateway, envelopeFor(gateway));
    const [silent, asking] = backends.calls.map(({ host }) => host.id);
    await clock.advance(500);
    backends.answers.length = 0;
    backends.answer(429, "", AGAIN);
    await run(gateway, scheduled(gateway));
    expect(backends.calls.map(({ host }) => host.id)).toEqual([silent, asking, asking]);
  });

  it("goes on counting its calls, their time, and its wait (V61)", async () => {
    const gateway = createGateway();
    const { backends, clock } = gateway;
    backends.answers.push(async () => {
      await clock.advance(30);
      return { status: 429, headers: AGAIN, body: (async function* () {})(), discard() {} };
    });
    backends.answer(200);
    await run(gateway, envelopeFor(gateway, { showsReceipt: true }));
    await clock.advance(500);
    const message = scheduled(gateway);
    await run(gateway, message);
    expect(cycles(gateway)).toEqual(["0", "1"]);
    const { headers, attempts, processMs } = replyOf(gateway);
    expect([attempts, processMs]).toEqual([2, 30]);
    const receipt = JSON.parse(Object.fromEntries(headers)["x-s7p-receipt"] ?? "");
    expect(receipt).toMatchObject({ outcome: "answered", waitedMs: 500 });
    expect(gateway.receipts.map(({ ["outcome"]: outcome }) => outcome)).toEqual([
      "requeued",
      "answered",
    ]);
  });

  it("has no more attempts than before: what failed is not tried again for being full", async () => {
    const gateway = createGateway({
      Host1: "host=http://a.test;mode=direct;maxconcurrency=1",
      Host2: "host=http://b.test;mode=direct",
      LoadBalanceMode: "roundrobin",
    });
    const { backends, clock, services } = gateway;
    const holding = services.pool.backends[0]?.begin(clock.now(), false);
    backends.refuse();
    await run(gateway, envelopeFor(gateway));
    expect(backends.calls.map(({ host }) => host.id)).toEqual(["Host2"]);
    holding?.release();
    backends.answers.length = 0;
    backends.answer(200);
    await run(gateway, scheduled(gateway));
    expect(backends.calls.map(({ host }) => host.id)).toEqual(["Host2", "Host1"]);
    expect(replyOf(gateway)).toMatchObject({ status: 200, attempts: 2 });
  });

  it("leaves a receipt for each time, a failed one where there is no time left", async () => {
    const gateway = createGateway();
    gateway.backends.answer(429, "", AGAIN);
    await run(gateway, envelopeFor(gateway, { expiresAt: gateway.clock.now() + 400 }));
    expect(gateway.receipts).toMatchObject([{ outcome: "failed" }]);
    expect(gateway.bus.sent).toMatchObject([
      { queue: "replies", message: { body: { status: 429 } } },
    ]);
    expect(gateway.bus.sent).not.toMatchObject([{ queue: standardLane(gateway).queue }]);
  });
});

describe("an error instead of an answer", () => {
  const ASKING = [
    ["S7PDEBUG", "true"],
    ["x-operator-key", "mine"],
  ] as const;
  const env = { GATEWAY_SYNC_MODE: "direct", OperatorKeys: "mine" };

  it("tells its time and its calls, and shows the receipt to who asks (V75)", async () => {
    const gateway = createGateway(env);
    gateway.backends.answers.push(async () => {
      await gateway.clock.advance(40);
      throw new Error("ECONNRESET");
    });
    const request = requestTo(gateway, { headers: ASKING });
    const { status, headers } = await handleRequest(gateway.services, request, undefined);
    const told = Object.fromEntries(headers);
    expect(status).toBe(502);
    expect(told).toMatchObject({
      "x-request-queue-duration": "0",
      "x-request-process-duration": "40",
      "x-attempts": "1",
    });
    expect(JSON.parse(told["x-s7p-receipt"] ?? "")).toMatchObject({
      outcome: "failed",
      attempts: [{ backend: "Host1", status: 502 }],
    });
  });

  it("tells how long it waited when its time was over before its turn", async () => {
    const gateway = createGateway({ ...env, Workers: "1" });
    const held = gateway.services.slots.tryAcquire({ priority: 1 });
    const request = requestTo(gateway, { headers: [["S7PTTL", "5"]] });
    const serving = handleRequest(gateway.services, request, undefined);
    await gateway.clock.advance(5000);
    held?.release();
    const { status, headers } = await serving;
    expect(status).toBe(412);
    expect(Object.fromEntries(headers)).toMatchObject({
      "x-request-queue-duration": "5000",
      "x-attempts": "0",
    });
    expect(headers.some(([name]) => name === "x-s7p-receipt")).toBe(false);
  });

  it("does so through a lane too", async () => {
    const gateway = createGateway();
    gateway.backends.refuse();
    await run(gateway, envelopeFor(gateway, { showsReceipt: true }));
    const reply = replyOf(gateway);
    expect(reply.attempts).toBe(1);
    expect(Object.fromEntries(reply.headers)["x-s7p-receipt"]).toContain('"outcome":"failed"');
  });

  it("that is thrown twice does not say it twice", async () => {
    const error = new GatewayError("no-backend", "none", { retryAfterMs: 2000 });
    const one = problemResponse(error.withHeaders([["x-attempts", "1"]]), "r");
    const two = problemResponse(error.withHeaders([["x-attempts", "2"]]), "r");
    const of = ({ headers }: typeof one) => headers.filter(([name]) => name === "x-attempts");
    expect([of(one), of(two)]).toEqual([[["x-attempts", "1"]], [["x-attempts", "2"]]]);
    expect(one.headers).toContainEqual(["retry-after", "2"]);
  });
});
