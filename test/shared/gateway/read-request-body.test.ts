import { describe, expect, it } from "vitest";
import { storeBody } from "../../../shared/backends/index.ts";
import type { GatewayRequest, StoredBody } from "../../../shared/core/http.ts";
import { handleRequest } from "../../../shared/gateway/index.ts";
import { packRequestBody, readRequestBody } from "../../../shared/gateway/read-request-body.ts";
import { createClaimCheck } from "../../../shared/messaging/index.ts";
import { createGateway, requestTo } from "../../support/gateway.ts";
import { MemoryBlobs } from "../../support/memory-blobs.ts";
import { headOf } from "../../support/raw-backend.ts";
import { bodyOf, textOf } from "../../support/streams.ts";
import { callTo, openBackend, openClient, readOut } from "../backends/client-world.ts";

const LARGE = `{"model":"gpt","messages":"${"x".repeat(2_000_000)}","stream":true}`;

/** A body that is too large for memory. */
async function stored(text = LARGE): Promise<StoredBody> {
  const body = await storeBody(bodyOf(text), { maxBytes: 10_000_000 });
  if (body instanceof Uint8Array) throw new Error("The body is held in memory.");
  return body;
}

const requestOf = (
  body: GatewayRequest["body"],
  headers: GatewayRequest["headers"] = [],
): GatewayRequest => ({
  ...requestTo(createGateway(), { headers }),
  body,
});

describe("readRequestBody", () => {
  const json = ["Content-Type", "application/json"] as const;

  it("finds what decides in a large JSON body that it can read, and in no other", async () => {
    const members = async (...headers: (readonly [string, string])[]) => {
      const body = await readRequestBody(requestOf(bodyOf(LARGE), headers), 10_000_000);
      if (!body || body instanceof Uint8Array) throw new Error("The body is held in memory.");
      body.close();
      return body.members.map(({ name, text }) => [name, text]);
    };
    expect(await members(json)).toEqual([
      ["model", '"gpt"'],
      ["stream", "true"],
    ]);
    expect(await members()).toEqual([]);
    expect(await members(json, ["Content-Encoding", "gzip"])).toEqual([]);
  });

  it("is undefined without a byte", async () => {
    expect(await readRequestBody(requestOf(bodyOf()), 10)).toBeUndefined();
    expect(await readRequestBody(requestOf(undefined), 10)).toBeUndefined();
  });

  it("tells a body that is too large from one that breaks off", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("connection reset");
    }
    await expect(readRequestBody(requestOf(bodyOf("abc")), 2)).rejects.toMatchObject({
      code: "request-too-large",
    });
    await expect(readRequestBody(requestOf(broken()), 2)).rejects.toMatchObject({
      code: "bad-request",
    });
  });
});

describe("a request body outside of memory", () => {
  it("is sent with its length, whole, as often as it takes", async () => {
    const backend = await openBackend(({ socket, connection, bodyBytes }) => {
      if (connection === 1) socket.destroy();
      else socket.write(`${headOf("200 OK", "Content-Length: 7")}${bodyBytes}`);
    });
    const client = openClient();
    const body = await stored();
    const call = callTo(backend, { method: "POST", body });
    await expect(client.call(call)).rejects.toThrow();
    expect(await readOut((await client.call(call)).body)).toEqual({ text: String(LARGE.length) });
    const [first, second] = backend.requests;
    expect(second?.head).toMatch(new RegExp(`content-length: ${LARGE.length}$`, "im"));
    expect(first?.bodyBytes).toBe(LARGE.length);
    body.close();
  });

  it("travels beside a message by stream", async () => {
    const blobs = new MemoryBlobs();
    const claimCheck = createClaimCheck(blobs, 1000);
    const body = await stored();
    expect(await packRequestBody(claimCheck, "name", body)).toEqual({
      blob: "name",
      sizeBytes: LARGE.length,
    });
    expect(blobs.blobs.get("name")?.toString()).toBe(LARGE);
    body.close();
  });

  it("is there for every attempt, and gone with the answer", async () => {
    const { services, backends } = createGateway({
      GATEWAY_SYNC_MODE: "direct",
      Host1: "host=http://one.test;mode=direct;path=/;model=one",
      Host2: "host=http://two.test;mode=direct;path=/;model=two",
      LoadBalanceMode: "roundrobin",
    });
    const sent: string[] = [];
    backends.answers.push(async ({ body }) => {
      if (!body || body instanceof Uint8Array) throw new Error("The body is held in memory.");
      sent.push(await textOf(body.read()));
      if (sent.length === 1) throw new Error("connection reset");
      return { status: 200, headers: [], body: bodyOf("ok"), discard() {} };
    });
    const request = requestOf(bodyOf(LARGE), [["content-type", "application/json"]]);
    const response = await handleRequest(services, request, undefined);
    expect(await textOf(response.body)).toBe("ok");
    const names = sent.map((text) => /^\{"model":"(\w+)"/.exec(text)?.[1]);
    expect(names.toSorted()).toEqual(["one", "two"]);
    expect(new Set(sent.map((text) => text.length))).toEqual(new Set([LARGE.length]));
    const { body } = backends.calls[1] ?? {};
    if (!body || body instanceof Uint8Array) throw new Error("The body is held in memory.");
    await expect(textOf(body.read())).rejects.toThrow("closed");
  });
});
