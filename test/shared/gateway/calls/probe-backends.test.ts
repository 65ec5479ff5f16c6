import { describe, expect, it } from "vitest";
import { probeBackends } from "../../../../shared/gateway/calls/probe-backends.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { settle } from "../../../support/fake-clock.ts";
import { createGateway, requestTo } from "../../../support/gateway.ts";

/** A gateway that probes every second, and what it asked for. */
function probing(env: Record<string, string> = {}) {
  const gateway = createGateway({
    GATEWAY_SYNC_MODE: "direct",
    Host1: "host=https://a.test/base;probe=/up?deep=1;usemi=true",
    Host2: "host=http://b.test;mode=direct",
    PollInterval: "1000",
    PollTimeout: "300",
    ...env,
  });
  const stopping = new AbortController();
  return {
    ...gateway,
    gateway,
    stopping,
    start: () => probeBackends(gateway.services, stopping.signal),
    active: () => gateway.services.pool.activeHosts(),
  };
}

describe("probeBackends", () => {
  it("asks each backend at once and then on the interval, as itself, but never a direct one (V71)", async () => {
    const { backends, clock, start } = probing();
    backends.answer(200);
    start();
    await clock.advance(2500);
    expect(backends.calls).toHaveLength(3);
    expect(backends.calls[0]).toMatchObject({
      method: "GET",
      target: "/base/up?deep=1",
      host: { id: "Host1", tokenScope: expect.any(String) },
    });
    expect(new Set(backends.calls.map(({ host }) => host.id))).toEqual(new Set(["Host1"]));
  });

  it("takes a backend out and brings it back, and tells of both", async () => {
    const { backends, clock, start, active, events } = probing();
    backends.answer(204);
    backends.answer(500);
    start();
    await clock.advance(3000);
    expect(active()).toEqual(["Host1", "Host2"]);
    await clock.advance(1000);
    expect(active()).toEqual(["Host2"]);
    backends.answers.splice(0);
    backends.answer(200);
    await clock.advance(4000);
    expect(active()).toEqual(["Host1", "Host2"]);
    expect(events).toMatchObject([
      { event: "backend.health.changed", backend: "Host1", isHealthy: false },
      { event: "backend.health.changed", backend: "Host1", isHealthy: true },
    ]);
  });

  it("takes silence and refused connections for failures, in their time", async () => {
    const { backends, clock, start, active } = probing();
    backends.answer(200);
    backends.silence();
    start();
    await clock.advance(4299);
    expect(active()).toHaveLength(2);
    await clock.advance(1);
    expect(active()).toHaveLength(1);
    backends.answers.splice(0);
    backends.refuse();
    await clock.advance(5000);
    expect(active()).toHaveLength(1);
  });

  it("sends no second probe while one is still on its way", async () => {
    const { backends, clock, start } = probing({ PollTimeout: "10000" });
    backends.silence();
    start();
    await clock.advance(9999);
    expect(backends.calls).toHaveLength(1);
    await clock.advance(1500);
    expect(backends.calls).toHaveLength(2);
  });

  it("leaves a backend in use that never answered a probe", async () => {
    const { backends, clock, start, active } = probing();
    backends.answer(404);
    start();
    await clock.advance(20_000);
    expect(active()).toEqual(["Host1", "Host2"]);
  });

  it("stops with its signal, in the middle of a probe too, and leaves nothing behind", async () => {
    const { backends, clock, start, stopping, active } = probing();
    backends.silence();
    start();
    await settle();
    stopping.abort(new Error("stopping"));
    await settle();
    expect([clock.pending, backends.calls.length, active().length]).toEqual([0, 1, 2]);
    start();
    expect(backends.calls).toHaveLength(1);
  });

  it("does nothing before it is started", async () => {
    const { backends, clock, gateway } = probing();
    backends.answer(200);
    await clock.advance(60_000);
    await handleRequest(gateway.services, requestTo(gateway), undefined);
    expect(backends.calls).toHaveLength(1);
  });
});
