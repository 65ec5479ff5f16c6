import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headerValue } from "../../../shared/core/headers.ts";
import { handleRequest } from "../../../shared/gateway/index.ts";
import { createGateway, fakeEngine, requestTo, type TestGateway } from "../../support/gateway.ts";
import { bodyOf, textOf } from "../../support/streams.ts";

async function problemOf(gateway: TestGateway, change: Parameters<typeof requestTo>[1] = {}) {
  const request = requestTo(gateway, change);
  const { status, body, headers } = await handleRequest(gateway.services, request, fakeEngine());
  const { code, requestId } = JSON.parse(await textOf(body)) as Record<string, string>;
  return { status, code, requestId, retryAfter: headerValue(headers, "retry-after") };
}

describe("handleRequest", () => {
  it("refuses what comes while it stops, and asks to come again", async () => {
    const gateway = createGateway();
    gateway.stop();
    expect(await problemOf(gateway)).toEqual({
      status: 503,
      code: "shutting-down",
      requestId: "request-1",
      retryAfter: "5",
    });
  });

  it("refuses a body that is too large, and reads no further", async () => {
    const gateway = createGateway({ GATEWAY_HTTP_MAX_BODY_BYTES: "10" });
    let pieces = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pieces += 1;
        yield new Uint8Array(6);
      }
    }
    expect(await problemOf(gateway, { body: endless() })).toMatchObject({
      status: 413,
      code: "request-too-large",
    });
    expect(pieces).toBe(2);
  });

  it("takes a body of exactly the limit", async () => {
    const gateway = createGateway({ GATEWAY_HTTP_MAX_BODY_BYTES: "10" });
    gateway.backends.answer(200);
    const request = requestTo(gateway, { body: "0123456789" });
    expect((await handleRequest(gateway.services, request, undefined)).status).toBe(200);
  });

  it("answers a body that ends early, though nobody may be left to read it", async () => {
    const gateway = createGateway();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("aborted");
    }
    expect(await problemOf(gateway, { body: broken() })).toMatchObject({
      status: 400,
      code: "bad-request",
    });
  });

  it("refuses before it reads a body that would not be served anyway", async () => {
    const gateway = createGateway();
    const body = bodyOf("question");
    const headers = [["S7PTTL", "soon"]] as const;
    expect(await problemOf(gateway, { body, headers })).toMatchObject({ code: "invalid-ttl" });
    expect((await body.next()).done).toBe(false);
  });

  it("makes an answer of whatever goes wrong, tells the log, and never throws", async () => {
    const thrown = fc.oneof(
      fc.string(),
      fc.constant(undefined),
      fc.constant(new TypeError("boom")),
    );
    await fc.assert(
      fc.asyncProperty(thrown, async (error) => {
        const gateway = createGateway();
        const services = {
          ...gateway.services,
          requestHeaders: () => {
            throw error;
          },
        };
        const response = await handleRequest(services, requestTo(gateway), undefined);
        expect(response.status).toBe(500);
        expect(await textOf(response.body)).not.toContain("boom");
        expect(gateway.events).toMatchObject([{ event: "request.failed", level: "error" }]);
        expect(services.slots.running).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  it("serves a stream directly, whatever the mode", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "queued" });
    gateway.backends.answer(200, "data: 1\n\n");
    const headers = [["content-type", "application/json"]] as const;
    const request = requestTo(gateway, { headers, body: '{"stream":true}' });
    const response = await handleRequest(gateway.services, request, undefined);
    expect(await textOf(response.body)).toBe("data: 1\n\n");
    expect(gateway.bus.sent).toEqual([]);
  });

  it("serves everything directly where there is no waiting room", async () => {
    const gateway = createGateway({ GATEWAY_ROLE: "stream", GATEWAY_SYNC_MODE: "queued" });
    gateway.backends.answer(200, "fine");
    const response = await handleRequest(gateway.services, requestTo(gateway), undefined);
    expect(await textOf(response.body)).toBe("fine");
  });

  it("serves directly in the mode auto while a slot is free, else through a lane", async () => {
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "auto", Workers: "1" });
    gateway.backends.answer(200);
    const direct = await handleRequest(gateway.services, requestTo(gateway), undefined);
    const leaving = new AbortController();
    const queued = handleRequest(
      gateway.services,
      requestTo(gateway, { id: "request-2", closed: leaving.signal }),
      undefined,
    );
    await gateway.clock.advance(0);
    expect(gateway.bus.sent.map(({ message }) => message.messageId)).toEqual(["request-2"]);
    leaving.abort(new Error("gone"));
    await queued;
    await textOf(direct.body);
    expect(gateway.services.slots.running).toBe(0);
  });
});
