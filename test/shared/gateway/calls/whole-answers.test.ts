import { describe, expect, it, onTestFinished } from "vitest";
import { createBackendClient } from "../../../../shared/backends/index.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import { createGateway, requestTo } from "../../../support/gateway.ts";
import { chunkOf, headOf, type RawScript, startRawBackend } from "../../../support/raw-backend.ts";
import { textOf } from "../../../support/streams.ts";

const JSON_CHUNKED = headOf(
  "200 OK",
  "Content-Type: application/json",
  "Transfer-Encoding: chunked",
);
const whole = (body: string): string =>
  `${headOf("200 OK", "Content-Type: application/json", `Content-Length: ${body.length}`)}${body}`;

interface World {
  readonly env?: Record<string, string>;
  /** When a backend counts as silent: never, but where that is what is tested. */
  readonly idleMs?: number;
}

/** A gateway with the real client, before one backend that breaks and one that works. */
async function openWorld(breaking: RawScript, { env, idleMs = 60_000 }: World = {}) {
  const first = await startRawBackend(breaking);
  const second = await startRawBackend(({ socket }) => void socket.write(whole('{"from":2}')));
  const gateway = createGateway({
    GATEWAY_SYNC_MODE: "direct",
    LoadBalanceMode: "roundrobin",
    Host1: `host=${first.origin};mode=direct`,
    Host2: `host=${second.origin};mode=direct;tier=2`,
    ...env,
  });
  const backends = createBackendClient({
    ignoreTlsErrors: false,
    tokens: { token: async () => "", tokenInstead: async () => undefined },
    limits: { idleMs },
  });
  onTestFinished(async () => {
    await backends.close();
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  });
  const services = { ...gateway.services, backends };
  const ask = () => handleRequest(services, requestTo(gateway), undefined);
  return { gateway, ask, first, second };
}

describe("a direct answer that is no stream", () => {
  it.each<[string, World, RawScript]>([
    ["breaks off", {}, ({ socket }) => void socket.end(JSON_CHUNKED + chunkOf('{"from":'))],
    [
      "falls silent",
      { idleMs: 50 },
      ({ socket }) => void socket.write(JSON_CHUNKED + chunkOf('{"from":')),
    ],
    [
      "is shorter than it says",
      {},
      ({ socket }) => void socket.end(whole('{"from":1}').slice(0, -1)),
    ],
    [
      "is of text, and breaks off,",
      {},
      ({ socket }) => void socket.end(`${headOf("200 OK", "Content-Length: 9")}half`),
    ],
  ])("that %s comes from another backend, whole", async (_, world, script) => {
    const { ask, gateway } = await openWorld(script, world);
    const response = await ask();
    expect([response.status, await textOf(response.body)]).toEqual([200, '{"from":2}']);
    expect(Object.fromEntries(response.headers)["x-attempts"]).toBe("2");
    expect(gateway.services.slots.running).toBe(0);
  });

  it("that nobody gives whole is an error, never a part", async () => {
    const { ask } = await openWorld(({ socket }) => void socket.end(JSON_CHUNKED + chunkOf("{")), {
      env: { Host2: "" },
    });
    const { status, body } = await ask();
    expect(status).toBe(502);
    expect(await textOf(body)).toContain("backend-failed");
  });

  it("is streamed where the setting says so, and breaks where its backend does", async () => {
    const { ask, second } = await openWorld(
      ({ socket }) => void socket.end(JSON_CHUNKED + chunkOf("{")),
      { env: { GATEWAY_BACKENDS_WHOLE_BYTES: "0" } },
    );
    const { status, body } = await ask();
    expect(status).toBe(200);
    await expect(textOf(body)).rejects.toThrow();
    expect(second.requests).toEqual([]);
  });
});
