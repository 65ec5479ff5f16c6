import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../../shared/backends/index.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { stallingBody } from "../../../support/fake-backends.ts";
import { settle } from "../../../support/fake-clock.ts";
import { requestTo, type TestGateway } from "../../../support/gateway.ts";
import { hostsOf, openPair, serve } from "../../../support/serving.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

describe("a backend that is silent", () => {
  const strict = (): TestGateway => openPair({ Host2: "", CBErrorThreshold: "1" });

  it("is to blame when a request's time is over while it is waited for", async () => {
    const gateway = strict();
    gateway.backends.silence();
    const serving = serve(gateway, { headers: [["S7PTTL", "2"]] });
    await gateway.clock.advance(2000);
    expect((await serving).status).toBe(412);
    expect((await serve(gateway)).status).toBe(503);
  });

  it("is not to blame when the client leaves", async () => {
    const gateway = strict();
    gateway.backends.silence();
    const leaving = new AbortController();
    const serving = serve(gateway, { closed: leaving.signal });
    await gateway.clock.advance(5000);
    leaving.abort(new Error("gone"));
    await serving;
    expect(gateway.services.pool.activeHosts()).toEqual(["Host1"]);
    expect(gateway.services.pool.backends[0]?.view(0).inFlight).toBe(0);
  });

  it("is known by the transport's own limits too", async () => {
    const gateway = openPair();
    gateway.backends.answers.push(async () => {
      throw new BackendFailure("first-byte-timeout", "too slow", { mayHaveBegun: true });
    });
    expect((await serve(gateway)).status).toBe(408);
    expect(hostsOf(gateway)).toHaveLength(2);
  });

  it("before its first byte only: an answer that is taken whole has its own time", async () => {
    const gateway = strict();
    gateway.backends.answers.push(async ({ onBegun, signal }) => {
      onBegun?.();
      await gateway.clock.advance(60_000);
      signal.throwIfAborted();
      return { status: 200, headers: [], body: bodyOf("{}"), discard() {} };
    });
    expect(await serve(gateway, { headers: [["S7PTimeout", "500"]] })).toMatchObject({
      status: 200,
      text: "{}",
    });
  });

  it("after its first byte is to blame, however long others usually take", async () => {
    const gateway = strict();
    gateway.backends.answers.push(async ({ onBegun }) => {
      onBegun?.();
      throw new BackendFailure("idle-timeout", "silent", { mayHaveBegun: true });
    });
    expect((await serve(gateway)).status).toBe(408);
    expect((await serve(gateway)).status).toBe(503);
  });
});

describe("a backend's place", () => {
  it("is freed without blame when the reader leaves in the middle of an answer", async () => {
    const gateway = openPair({ Host2: "", CBErrorThreshold: "1" });
    const { body, discard } = stallingBody();
    gateway.backends.answers.push(async () => ({ status: 200, headers: [], body, discard }));
    const leaving = new AbortController();
    const request = requestTo(gateway, { closed: leaving.signal });
    const response = await handleRequest(gateway.services, request, undefined);
    const reading = textOf(response.body).catch(() => "");
    await settle();
    leaving.abort(new Error("gone"));
    await reading;
    expect(gateway.services.pool.activeHosts()).toEqual(["Host1"]);
    expect(gateway.services.pool.backends[0]?.view(0).inFlight).toBe(0);
  });

  it("is freed, and the backend blamed, when its answer breaks off", async () => {
    const gateway = openPair({ Host2: "", CBErrorThreshold: "1" });
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half");
      throw new BackendFailure("truncated", "reset", { mayHaveBegun: true });
    }
    gateway.backends.answer(200, breaking());
    const response = await handleRequest(gateway.services, requestTo(gateway), undefined);
    await expect(textOf(response.body)).rejects.toThrow("reset");
    expect(gateway.services.pool.activeHosts()).toEqual([]);
  });

  it("is held until the last byte, and freed when the reader leaves", async () => {
    const gateway = openPair({ Host1: "host=a.test;maxconcurrency=1", Host2: "" });
    const inFlight = () => gateway.services.pool.backends[0]?.view(0).inFlight;
    gateway.backends.answer(200, bodyOf("a", "b"));
    const whole = await handleRequest(gateway.services, requestTo(gateway), undefined);
    expect(inFlight()).toBe(1);
    await textOf(whole.body);
    expect(inFlight()).toBe(0);
    const leaving = new AbortController();
    const request = requestTo(gateway, { closed: leaving.signal });
    await handleRequest(gateway.services, request, undefined);
    expect(inFlight()).toBe(1);
    leaving.abort(new Error("gone"));
    expect(inFlight()).toBe(0);
  });
});

describe("a request that goes out once more to a backend that has not seen it", () => {
  it("is told, and is one call that succeeded", async () => {
    const gateway = openPair({ CBErrorThreshold: "1" });
    gateway.backends.answers.push(async ({ onResent }) => {
      onResent?.("closed");
      return { status: 200, headers: [], body: bodyOf("ok"), discard() {} };
    });
    const { headers } = await serve(gateway);
    expect(headers).toContainEqual(["x-attempts", "1"]);
    expect(gateway.events).toMatchObject([
      { event: "attempt.resent", level: "info", backend: "Host1", reason: "closed" },
    ]);
    expect(gateway.events[0]?.["requestId"]).toBeTypeOf("string");
  });
});
