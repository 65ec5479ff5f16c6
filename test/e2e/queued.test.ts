import { randomBytes } from "node:crypto";
import { ServiceBusClient } from "@azure/service-bus";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { finishedJob } from "../support/job-client.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const MAX_BODY_BYTES = 2_000_000;
const LATER_MS = 1000;

/** When the backend was asked for what it wants again. */
const laterAt: number[] = [];
const abandoned = Promise.withResolvers<void>();
let backend: TestBackend;
let stack: TestStack;
let brokerPort: number;

beforeAll(async () => {
  backend = await startBackend((request, response) => {
    if (request.target === "/serve/later") laterAt.push(performance.now());
    if (request.target === "/serve/later" && laterAt.length === 1) {
      response.writeHead(429, { S7PREQUEUE: "true", "retry-after-ms": String(LATER_MS) }).end();
      return;
    }
    if (request.target === "/serve/hold") {
      response.once("close", () => abandoned.resolve());
      return;
    }
    if (request.target.startsWith("/serve/fail")) {
      response.writeHead(422, { "content-type": "application/json" }).end('{"why":"no"}');
      return;
    }
    response.setHeader("set-cookie", ["a=1", "b=2"]);
    response.writeHead(200, { "content-type": "application/octet-stream", "x-seen": "yes" });
    response.end(request.body);
  });
  brokerPort = await freePort();
  stack = await startStack({
    env: {
      Host1: `host=${backend.url};path=/serve;stripprefix=false;mode=direct`,
      GATEWAY_SYNC_MODE: "queued",
      GATEWAY_HTTP_MAX_BODY_BYTES: String(MAX_BODY_BYTES),
      LOCAL_BROKER_PORT: String(brokerPort),
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${stack.url}${path}`, { method: "POST", body, headers });

describe("a request that is served through its lane", () => {
  it.each([
    ["text", Buffer.from('{"a":"é\\u0000"}')],
    ["bytes that are no text", randomBytes(1000)],
    ["more bytes than fit a message", randomBytes(1_500_000)],
  ])("gets the backend's exact answer to %s", async (_what, body) => {
    const response = await post("/serve/echo?q=a%2Fb+c", body, { S7PPriorityKey: "12345" });
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
    expect(response.headers.get("x-seen")).toBe("yes");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    const seen = backend.seen.at(-1);
    expect(seen?.target).toBe("/serve/echo?q=a%2Fb+c");
    expect(seen?.headers["s7pprioritykey"]).toBeUndefined();
  });

  it("gets the backend's refusal as it is", async () => {
    const response = await post("/serve/fail", "x");
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ why: "no" });
  });

  it("V56: comes again when a backend asks for that, as a message that is scheduled", async () => {
    const response = await post("/serve/later", "patience");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("patience");
    expect(laterAt).toHaveLength(2);
    const [askedAt = 0, againAt = 0] = laterAt;
    expect(againAt - askedAt).toBeGreaterThanOrEqual(LATER_MS - 10);
  });

  it("is given up by its worker when its client leaves", async () => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const left = expect(fetch(`${stack.url}/serve/hold`, { signal })).rejects.toThrow();
    const isRunning = async () => backend.seen.some(({ target }) => target === "/serve/hold");
    await until(async () => (await isRunning()) || undefined, 60_000, "The call");
    leaving.abort();
    await left;
    await abandoned.promise;
    await until(
      async () => (await stack.status()).slots.running === 0 || undefined,
      60_000,
      "The slot",
    );
  });

  it("takes its credentials along", async () => {
    await post("/serve/echo", "x", { authorization: "Bearer of-the-client" });
    expect(backend.seen.at(-1)?.headers.authorization).toBe("Bearer of-the-client");
  });

  it("is served whatever its priority", async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const key = ["12345", "234", "other"][n % 3] ?? "";
        const response = await post("/serve/echo", `body ${n}`, { S7PPriorityKey: key });
        return response.text();
      }),
    );
    expect(answers).toEqual(Array.from({ length: 60 }, (_, n) => `body ${n}`));
  });
});

describe("bad input", () => {
  it("is told of an unknown route", async () => {
    const response = await post("/nobody/here", "x");
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code: "no-route" });
  });

  it("is told of a body over the limit", async () => {
    const response = await post("/serve/echo", Buffer.alloc(MAX_BODY_BYTES + 1));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "request-too-large" });
  });

  it("is told of a time to live that is none", async () => {
    const response = await post("/serve/echo", "x", { S7PTTL: "soon" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid-ttl" });
  });

  it("in a lane goes to the dead letters, and holds nobody up", async () => {
    const client = new ServiceBusClient(
      `Endpoint=sb://127.0.0.1:${brokerPort};SharedAccessKeyName=k;SharedAccessKey=v;UseDevelopmentEmulator=true;`,
    );
    try {
      const sender = client.createSender("lane-standard");
      await sender.sendMessages({ body: "no envelope at all", messageId: "poison-one" });
      expect((await post("/serve/echo", "still served")).status).toBe(200);
      const receiver = client.createReceiver("lane-standard", { subQueueType: "deadLetter" });
      const dead = await until(
        async () => (await receiver.peekMessages(1))[0],
        60_000,
        "Dead-lettering the poisonous message",
      );
      expect(dead.messageId).toBe("poison-one");
      expect(dead.deadLetterReason).toBe("MaxDeliveryCountExceeded");
    } finally {
      await client.close();
    }
  });
});

describe("a job whose backend refuses it", () => {
  it("fails, and keeps the refusal as its result", async () => {
    const accepted = await post("/serve/fail", "x", { S7PAsyncMode: "true" });
    expect(accepted.status).toBe(202);
    const location = accepted.headers.get("location") ?? "";
    expect(await finishedJob(stack.url, location)).toMatchObject({ state: "failed", attempts: 1 });
    const result = await fetch(`${stack.url}${location}/result`);
    expect(result.status).toBe(422);
    expect(await result.json()).toEqual({ why: "no" });
  });
});
