import { createHash, randomBytes } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { createServer, type Server } from "node:net";
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../../../local/free-port.ts";
import { type RunningModels, startModels } from "../../../local/models/index.ts";
import { StartError } from "../../../local/service.ts";

const MEGABYTE = 1024 * 1024;
const LARGE_MEGABYTES = 300;
const BLOCKS_BETWEEN_LOOKS = 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

describe("the transport probes of a simulated endpoint", () => {
  let models: RunningModels;

  beforeAll(async () => {
    models = await startModels({ port: 0, endpoints: 1 });
  });

  afterAll(() => models.close());

  it("echo the request line, the headers in order and the body's digest", async () => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = ["X-Twice", "one", "x-Twice", "two", "Host", "sim"];
      const target = `${models.url}/sim/echo`;
      const request = httpRequest(target, { method: "PATCH", headers, path: "/sim/echo?a=%2F&b" });
      request.once("response", resolve).once("error", reject).end("body");
    });
    const echoed = JSON.parse(Buffer.concat(await answer.toArray()).toString());
    expect(echoed).toMatchObject({
      method: "PATCH",
      target: "/sim/echo?a=%2F&b",
      bodyBytes: 4,
      bodySha256: createHash("sha256").update("body").digest("hex"),
    });
    expect(echoed.rawHeaders.slice(0, 4)).toEqual(["X-Twice", "one", "x-Twice", "two"]);
  });

  it(`take ${LARGE_MEGABYTES} MB without holding them`, async () => {
    const block = randomBytes(MEGABYTE);
    const hash = createHash("sha256");
    let peakBytes = 0;
    const body = function* (): Generator<Buffer> {
      for (let index = 0; index < LARGE_MEGABYTES; index++) {
        hash.update(block);
        // What is held, without what only waits for the collector.
        if (index % BLOCKS_BETWEEN_LOOKS === 0) collect();
        if (index % BLOCKS_BETWEEN_LOOKS === 1) {
          peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers);
        }
        yield block;
      }
    };
    const response = await fetch(`${models.url}/sim/echo`, {
      method: "POST",
      body: Readable.toWeb(Readable.from(body())) as ReadableStream,
      duplex: "half",
    });
    expect(await response.json()).toMatchObject({
      bodyBytes: LARGE_MEGABYTES * MEGABYTE,
      bodySha256: hash.digest("hex"),
    });
    expect(peakBytes).toBeLessThan((LARGE_MEGABYTES / 2) * MEGABYTE);
  });

  it.each(["chunked", "length"])("send bytes framed by %s with their digest", async (framing) => {
    const count = 5 * MEGABYTE + 3;
    const target = `${models.url}/sim/bytes?count=${count}&framing=${framing}`;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(target).once("response", resolve).once("error", reject).end();
    });
    const body = Buffer.concat(await response.toArray());
    expect(body.length).toBe(count);
    const digest = response.headers["x-sim-digest"] ?? response.trailers["x-sim-digest"];
    expect(digest).toBe(createHash("sha256").update(body).digest("hex"));
    expect(response.headers["content-length"]).toBe(framing === "length" ? `${count}` : undefined);
  });

  it("stop sending when the client leaves, and keep serving", async () => {
    const client = new AbortController();
    const target = `${models.url}/sim/bytes?count=${10 * 1024 * MEGABYTE}`;
    const response = await fetch(target, { signal: client.signal });
    await response.body?.getReader().read();
    client.abort();
    expect((await fetch(`${models.url}/health`)).status).toBe(200);
  });

  it.each(["", "?count=", "?count=x", "?count=-1", "?count=1&framing=other"])(
    "refuse /sim/bytes%s",
    async (query) => {
      const response = await fetch(`${models.url}/sim/bytes${query}`);
      expect(response.status).toBe(400);
    },
  );
});

describe("the record of a simulated endpoint", () => {
  it("keeps what each call sent, as it was sent, until it is cleared", async () => {
    const models = await startModels({
      port: 0,
      endpoints: 1,
      settings: { ttftMs: 0, tokensPerSecond: 0 },
    });
    const body = JSON.stringify({ model: "m", input: "x" });
    await fetch(`${models.url}/v1/embeddings?x=1`, {
      method: "POST",
      body,
      headers: { "X-Mark": "1" },
    });
    await fetch(`${models.url}/v1/embeddings`, { method: "POST", body: "{" });
    const report = await (await fetch(`${models.url}/sim/calls`)).json();
    expect(report).toMatchObject({
      endpoint: 1,
      total: 2,
      calls: [
        {
          number: 1,
          method: "POST",
          path: "/v1/embeddings?x=1",
          rawHeaders: expect.arrayContaining(["X-Mark", "1"]),
          bodyBytes: body.length,
          bodySha256: createHash("sha256").update(body).digest("hex"),
          model: "m",
          status: 200,
          outcome: "completed",
        },
        { number: 2, status: 400, outcome: "refused" },
      ],
    });
    expect((await fetch(`${models.url}/sim/calls`, { method: "DELETE" })).status).toBe(204);
    expect(await (await fetch(`${models.url}/sim/calls`)).json()).toMatchObject({
      total: 0,
      calls: [],
    });
    await models.close();
  });
});

describe("starting simulated models where they cannot", () => {
  it("names the taken port and frees the others", async () => {
    const port = await freePorts(2);
    const blocker = await listenOn(port + 1);
    const start = startModels({ port, endpoints: 2 });
    await expect(start).rejects.toThrow(StartError);
    await expect(start).rejects.toThrow(`Port ${port + 1}`);
    await new Promise((resolve) => blocker.close(resolve));
    await (await startModels({ port, endpoints: 2 })).close();
  });

  it("names settings that are wrong", async () => {
    await expect(startModels({ port: 0, endpoints: 0 })).rejects.toThrow("1 to 100");
    await expect(startModels({ port: 0, settings: { ttftMs: -1 } })).rejects.toThrow("ttftMs");
  });
});

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  return server;
}
