import { describe, expect, it } from "vitest";
import type { GatewayResponse } from "../../../../shared/core/http.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { bodyTextOf, stallingBody } from "../../../support/fake-backends.ts";
import { createGateway, requestTo, type TestGateway } from "../../../support/gateway.ts";
import { listenerCount } from "../../../support/listener-count.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

const open = (env: Record<string, string> = {}): TestGateway =>
  createGateway({ GATEWAY_SYNC_MODE: "direct", Workers: "1", ...env });

function serve(gateway: TestGateway, change: Parameters<typeof requestTo>[1] = {}) {
  return handleRequest(gateway.services, requestTo(gateway, change), undefined);
}

const streamOf = ({ body }: GatewayResponse): AsyncGenerator<Uint8Array> =>
  body as AsyncGenerator<Uint8Array>;

/** Nothing is held any more: no slot, no timer. */
function expectNothingHeld({ services, clock }: TestGateway): void {
  expect([services.slots.running, services.slots.waiting, clock.pending]).toEqual([0, 0, 0]);
}

describe("a request that is served directly", () => {
  it("gets the backend's status, headers and bytes as they come", async () => {
    const gateway = open();
    gateway.backends.answer(201, bodyOf("a", "b"), [
      ["Set-Cookie", "a=1"],
      ["Connection", "close"],
      ["Set-Cookie", "b=2"],
    ]);
    const response = await serve(gateway, { body: "question" });
    expect(response.status).toBe(201);
    expect(response.headers).toEqual([
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
      ["x-S7P-ID", "request-1"],
      ["x-request-queue-duration", "0"],
      ["x-request-process-duration", "0"],
      ["x-attempts", "1"],
    ]);
    expect(await textOf(response.body)).toBe("ab");
    expectNothingHeld(gateway);
  });

  it("reaches the backend with its target, body and headers, and none that are the gateway's", async () => {
    const gateway = open();
    gateway.backends.answer(200);
    const headers = [
      ["X-Kept", "1"],
      ["s7pttl", "60"],
      ["S7PDebug", "true"],
      ["X-MS-Client-Principal-Id", "me"],
      ["Host", "gateway"],
      ["TE", "trailers"],
    ] as const;
    await serve(gateway, { body: "question", headers });
    const [call] = gateway.backends.calls;
    expect(call).toMatchObject({
      method: "POST",
      target: "/chat?x=%2F",
      headers: [
        ["X-Kept", "1"],
        ["x-PolicyCycleCounter", "0"],
        ["x-S7P-ID", "request-1"],
      ],
    });
    expect(bodyTextOf(call)).toBe("question");
  });

  it("holds its slot until the last byte", async () => {
    const gateway = open();
    gateway.backends.answer(200, bodyOf("a", "b"));
    const body = streamOf(await serve(gateway));
    await body.next();
    expect(gateway.services.slots.running).toBe(1);
    await body.next();
    expect(gateway.services.slots.running).toBe(1);
    await body.next();
    expectNothingHeld(gateway);
  });

  it.each(["before it is read", "while it is read"])(
    "gives its slot back when the body is given up %s",
    async (when) => {
      const gateway = open();
      gateway.backends.answer(200, bodyOf("a", "b"));
      const body = streamOf(await serve(gateway));
      if (when === "while it is read") await body.next();
      await body.return(undefined);
      expectNothingHeld(gateway);
      expect(gateway.backends.discarded).toBeGreaterThan(0);
    },
  );

  it.each(["before it is read", "while it is read"])(
    "gives its slot back when the client leaves %s",
    async (when) => {
      const gateway = open();
      const leaving = new AbortController();
      gateway.backends.answer(200, stallingBody().body);
      const body = streamOf(await serve(gateway, { closed: leaving.signal }));
      if (when === "while it is read") await body.next();
      leaving.abort();
      expectNothingHeld(gateway);
      expect(gateway.backends.discarded).toBe(1);
    },
  );

  it("gives its slot back when the client leaves before the backend answers", async () => {
    const gateway = open();
    const leaving = new AbortController();
    gateway.backends.silence();
    const serving = serve(gateway, { closed: leaving.signal });
    await gateway.clock.advance(0);
    expect(gateway.services.slots.running).toBe(1);
    leaving.abort(new Error("gone"));
    await serving;
    expectNothingHeld(gateway);
    expect(gateway.backends.calls).toHaveLength(1);
  });

  it("calls nobody when the client has left before its turn", async () => {
    const gateway = open();
    gateway.backends.answer(200);
    await serve(gateway, { closed: AbortSignal.abort(new Error("gone")) });
    expect(gateway.backends.calls).toEqual([]);
    expectNothingHeld(gateway);
  });

  it("leaves the queue when the client leaves it", async () => {
    const gateway = open();
    const held = gateway.services.slots.tryAcquire({ priority: 1 });
    const leaving = new AbortController();
    const serving = serve(gateway, { closed: leaving.signal });
    await gateway.clock.advance(0);
    expect(gateway.services.slots.waiting).toBe(1);
    leaving.abort(new Error("gone"));
    await serving;
    held?.release();
    expectNothingHeld(gateway);
    expect(gateway.backends.calls).toEqual([]);
  });

  it("leaves no listener on the client's signal", async () => {
    const gateway = open();
    const { signal } = new AbortController();
    gateway.backends.answer(200);
    await textOf((await serve(gateway, { closed: signal })).body);
    expect(listenerCount(signal)).toBe(0);
  });

  it.each([
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ])(
    "answers %s with %d without a body, and gives its slot back at once",
    async (method, status) => {
      const gateway = open();
      gateway.backends.answer(status, "");
      const response = await serve(gateway, { method });
      expect(response).toMatchObject({ body: undefined });
      expectNothingHeld(gateway);
    },
  );

  it("breaks the body when the backend does, says so in the log, and gives its slot back", async () => {
    const gateway = open();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("connection reset");
    }
    gateway.backends.answer(200, broken());
    const response = await serve(gateway);
    await expect(textOf(response.body)).rejects.toThrow("connection reset");
    expect(gateway.events).toMatchObject([{ event: "response.broken", requestId: "request-1" }]);
    expectNothingHeld(gateway);
  });

  it("is answered at its deadline while it waits for a slot", async () => {
    const gateway = open();
    const held = gateway.services.slots.tryAcquire({ priority: 1 });
    const serving = serve(gateway, { headers: [["S7PTTL", "5"]] });
    await gateway.clock.advance(5000);
    expect((await serving).status).toBe(412);
    held?.release();
    expectNothingHeld(gateway);
  });

  it("is answered at its deadline while the backend is silent", async () => {
    const gateway = open();
    gateway.backends.silence();
    const serving = serve(gateway, { headers: [["S7PTTL", "5"]] });
    await gateway.clock.advance(5000);
    expect((await serving).status).toBe(412);
    expectNothingHeld(gateway);
  });

  it("is refused when too many wait already", async () => {
    const gateway = open({ MaxQueueLength: "1" });
    const held = gateway.services.slots.tryAcquire({ priority: 1 });
    gateway.backends.answer(200);
    const waiting = serve(gateway);
    await gateway.clock.advance(0);
    expect((await serve(gateway, { id: "request-2" })).status).toBe(429);
    held?.release();
    await textOf((await waiting).body);
    expectNothingHeld(gateway);
  });
});
