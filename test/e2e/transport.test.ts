import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EARLY_FAULTS } from "../support/early-faults.ts";
import { eventually } from "../support/eventually.ts";
import { chunkOf, drip, headOf, LAST_CHUNK, type RawScript } from "../support/raw-backend.ts";
import { connectTo, requestFor } from "../support/raw-client.ts";
import {
  OK,
  startTransportWorld,
  type TransportWorld,
  tellEventByEvent,
} from "./transport-world.ts";

const SSE = headOf("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked");
const HELLO = 'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n';

let world: TransportWorld;
beforeAll(async () => {
  world = await startTransportWorld();
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe("a request on its way to a backend", () => {
  it("keeps its target, and gets the host's base path before it (V46)", async () => {
    await fetch(`${world.stack.url}/based/x%2Fy//z?b=1&a=%26`);
    expect(world.seen("/base/x%2Fy//z?b=1&a=%26")).toBeDefined();
  });

  it("carries the backend's name and port as its Host (V48)", async () => {
    await fetch(`${world.stack.url}/host`);
    expect(world.seen("/host")).toMatch(
      new RegExp(`^host: 127\\.0\\.0\\.1:${world.backend.port}$`, "im"),
    );
  });

  it("goes to the pinned address under the host's own name (V47)", async () => {
    const answer = await fetch(`${world.stack.url}/pinned/x`);
    expect(answer.status).toBe(200);
    expect(world.seen("/x")).toMatch(new RegExp(`^host: svc\\.test:${world.backend.port}$`, "im"));
  });

  it("holds nothing that was meant for the gateway or for one connection (V72)", async () => {
    const control = ["S7PTTL: 60", "s7ptimeout: 5000", "S7PPriorityKey: 12345", "S7PDEBUG: true"];
    const hop = ["Connection: keep-alive, X-Named", "X-Named: 1", "TE: trailers", "Keep-Alive: 5"];
    using client = await world.ask(requestFor("/control", ...control, ...hop, "X-Kept: 1"));
    await client.until(/ok$/);
    const head = world.seen("/control");
    expect(head).toMatch(/^x-kept: 1$/im);
    expect(head).not.toMatch(/^(s7p|te:|keep-alive|x-named|x-ms-)/im);
  });

  it("continues the caller's trace (V74)", async () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    await fetch(`${world.stack.url}/trace`, {
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    expect(world.seen("/trace")).toMatch(
      new RegExp(`^traceparent: 00-${traceId}-[0-9a-f]{16}-01$`, "im"),
    );
  });

  it("keeps the order, spelling and number of its fields", async () => {
    const fields = ["X-Zed: 1", "x-a: 2", "X-Zed: 3", "Content-Encoding: gzip"];
    using client = await world.ask(requestFor("/fields", ...fields));
    await client.until(/ok$/);
    const lines = world.seen("/fields").split("\r\n");
    expect(lines.filter((line) => fields.includes(line))).toEqual(fields);
  });

  it("asks its client for the body itself, and no backend for leave to send it", async () => {
    const fields = ["Host: gateway.test", "Content-Length: 4", "Expect: 100-continue"];
    using client = await world.ask(`POST /expect HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    client.send("body");
    await client.until(/ok$/);
    const { text } =
      world.backend.requests.findLast(({ head }) => head.includes(" /expect ")) ?? {};
    expect(text).toMatch(/\r\ncontent-length: 4\r\n/i);
    expect(text).toMatch(/\r\n\r\nbody$/);
    expect(text).not.toMatch(/^expect:/im);
  });

  it("may be one of several on a connection (V77)", async () => {
    using client = await world.ask(requestFor("/first"));
    await client.until(/ok$/);
    client.send(requestFor("/second"));
    await client.until(/ok.*HTTP\/1\.1 200.*ok$/s);
    expect(world.seen("/second")).toBeDefined();
  });
});

describe("an answer on its way to the client", () => {
  it("has the very bytes of the backend's (V84)", async () => {
    const body = "one\r\ntwo\u00ff\u0000\rthree\n\nno newline at the end";
    const target = world.path(({ socket }) => {
      socket.write(`${headOf("200 OK", `Content-Length: ${body.length}`)}${body}`, "latin1");
    });
    using client = await world.ask(requestFor(target, "Connection: close"));
    const [head, ...rest] = (await client.closed()).split("\r\n\r\n");
    expect(rest.join("\r\n\r\n")).toBe(body);
    expect(head).toMatch(new RegExp(`^content-length: ${body.length}$`, "im"));
  });

  it("keeps the order, spelling and number of its fields, but for those of one connection", async () => {
    const fields = [
      "X-Zed: 1",
      "Set-Cookie: a=1; Path=/",
      "Set-Cookie: b=2",
      "Link: </a>",
      "Link: </b>",
      "WWW-Authenticate: A",
      "WWW-Authenticate: B",
      "Content-Encoding: gzip",
      "Date: Thu, 01 Jan 2026 00:00:00 GMT",
    ];
    const hop = ["Server: secret/1", "Connection: X-Named", "X-Named: 1", "Keep-Alive: timeout=5"];
    const target = world.path(({ socket }) => {
      socket.write(`${headOf("401 No", ...fields, ...hop, "Content-Length: 2")}ok`);
    });
    using client = await world.ask(requestFor(target));
    const lines = (await client.until(/ok$/)).split("\r\n");
    expect(lines.filter((line) => fields.includes(line))).toEqual(fields);
    expect(lines.join("\n")).not.toMatch(/secret|x-named|timeout=5|x-ms-invocation-id/i);
    expect(lines.filter((line) => /^date:/i.test(line))).toHaveLength(1);
  });

  it("has the fields behind its body too", async () => {
    const head = headOf("200 OK", "Transfer-Encoding: chunked", "Trailer: X-Sum");
    const target = world.path(
      ({ socket }) => void socket.write(`${head}${chunkOf("a")}0\r\nX-Sum: 1\r\n\r\n`),
    );
    using client = await world.ask(requestFor(target, "Connection: close"));
    expect(await client.closed()).toMatch(/\r\na\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it("holds no interim answers, which were the gateway's", async () => {
    const early = headOf("100 Continue") + headOf("103 Early Hints", "Link: </a>");
    const target = world.path(({ socket }) => void socket.write(early + OK));
    using client = await world.ask(requestFor(target));
    expect(await client.until(/ok$/)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ["GET", headOf("204 No Content", "X-A: 1")],
    ["GET", headOf("304 Not Modified", "X-A: 1", "Content-Length: 9")],
    ["HEAD", headOf("200 OK", "X-A: 1", "Content-Length: 9")],
    ["GET", `${headOf("205 Reset Content", "X-A: 1", "Content-Length: 2")}no`],
  ])("may be without a body: %s, %j", async (method, head) => {
    const target = world.path(({ socket }) => void socket.write(head));
    using client = await world.ask(requestFor(target).replace("GET", method));
    const text = await client.until(/\r\n\r\n/);
    expect(text).toMatch(/^x-a: 1$/im);
    // The next answer begins right behind: nothing of a body came between.
    client.send(requestFor("/after"));
    const both = await client.until(/ok$/);
    expect(both.slice(text.length)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("tells its head while the backend thinks about the body", async () => {
    const told = Promise.withResolvers<void>();
    const path = world.path(({ socket }) => {
      socket.write(headOf("409 Conflict", "Content-Length: 4", "X-A: 1"));
      void told.promise.then(() => socket.write("busy"));
    });
    using client = await world.ask(requestFor(path));
    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 409 [\s\S]*\r\nX-A: 1\r\n/);
    expect(client.received).toMatch(/\r\n\r\n$/);
    told.resolve();
    await client.until(/\r\n\r\nbusy$/);
  });

  it("may come byte by byte", async () => {
    const body = '{"one":"byte at a time"}';
    const type = headOf("200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked");
    const target = world.path(({ socket }) =>
      drip(socket, type + [...body].map(chunkOf).join("") + LAST_CHUNK),
    );
    const response = await fetch(`${world.stack.url}${target}`);
    expect(await response.text()).toBe(body);
  });

  it("reaches the client event by event, none waiting for the next, nor for a clock (V78)", async () => {
    const told = await tellEventByEvent(world, 10);
    expect(told.received).toMatch(/0\r\n\r\n$/);
    // On a busy machine one or the other may be late, but what waits for a clock is late each time.
    expect(Math.min(...told.delaysMs)).toBeLessThan(150);
  });
});

describe("a backend that is silent", () => {
  it("is answered for with 408 when there is no other (V32)", async () => {
    const answer = await fetch(`${world.stack.url}/silent/x`, { headers: { S7PTimeout: "500" } });
    expect(answer.status).toBe(408);
    await eventually(() => world.silent.open.size).toBe(0);
  });

  it("is left for another (V33)", async () => {
    const before = world.silent.requests.length;
    while (world.silent.requests.length === before) {
      // The other backend has as long, and must never be late.
      const headers = { S7PTimeout: "4000" };
      const answer = await fetch(`${world.stack.url}/failover/x`, { headers });
      expect([answer.status, await answer.text()]).toEqual([200, "ok"]);
    }
  });
});

describe("a backend that breaks", () => {
  it.each(EARLY_FAULTS)(
    "before anything was delivered, for it %s, is answered for in whole",
    async (_, script) => {
      const response = await fetch(`${world.stack.url}${world.path(script)}`);
      expect(response.status).toBe(502);
      expect(response.headers.get("x-attempts")).toBe("1");
      expect(await response.json()).toMatchObject({ code: "backend-failed" });
      await world.expectAllSlots();
    },
  );

  it.each([
    ["a stream without its ending", SSE + chunkOf(HELLO) + LAST_CHUNK],
    ["a stream that is cut", SSE + chunkOf(HELLO)],
    [
      "a stream with an error event",
      SSE + chunkOf(HELLO) + chunkOf('data: {"error":{"code":"x"}}\n\n') + LAST_CHUNK,
    ],
  ])("in %s reaches the client as an error event and a broken connection", async (_, text) => {
    const [first, ...rest] = text.split(chunkOf(HELLO));
    const delivered = Promise.withResolvers<void>();
    const target = world.path(async ({ socket }) => {
      socket.write(first + chunkOf(HELLO));
      await delivered.promise;
      socket.end(rest.join(""));
    });
    using client = await world.ask(requestFor(target));
    await client.until(/Hello/);
    delivered.resolve();
    const got = await client.closed();
    expect(got).toContain(HELLO);
    expect(got).toMatch(/event: error\ndata: \{.*"code":"backend-failed".*\}\n\n/);
    expect(got).not.toContain("\r\n0\r\n\r\n");
    expect(got).not.toContain(String(world.backend.port));
    await world.expectAllSlots();
  });

  it.each([
    ["a length", `${headOf("200 OK", "Content-Length: 9000000")}four`],
    ["chunks", headOf("200 OK", "Transfer-Encoding: chunked") + chunkOf("four")],
  ])("in a body with %s breaks the client's connection too", async (_, text) => {
    const target = world.path(({ socket }) => void socket.end(text));
    await expect(
      fetch(`${world.stack.url}${target}`).then((answer) => answer.text()),
    ).rejects.toThrow();
    await world.expectAllSlots();
  });
});

describe("a client that misbehaves", () => {
  const slow: RawScript = ({ socket }) =>
    void socket.write(headOf("200 OK", "Transfer-Encoding: chunked") + chunkOf("first"));

  it.each([
    ["before the answer", (() => {}) as RawScript, /^$/],
    [
      "before the first event",
      (({ socket }) => void socket.write(SSE + chunkOf(": wait\n\n"))) as RawScript,
      /^$/,
    ],
    ["in the middle of the answer", slow, /first/],
  ])("and leaves %s frees its slot and its backend", async (_, script, pattern) => {
    const target = world.path(script);
    const clients = await Promise.all([1, 2, 3, 4].map(() => world.ask(requestFor(target))));
    const running = () => world.backend.requests.filter(({ head }) => head.includes(`${target} `));
    await eventually(() => running().length).toBe(4);
    await Promise.all(clients.map((client) => client.until(pattern)));
    for (const client of clients) client.socket.destroy();
    await eventually(() => running().filter(({ socket }) => !socket.destroyed).length).toBe(0);
    await world.expectAllSlots();
  });

  it("and drips its request holds up nobody else", async () => {
    const loris = await Promise.all(Array.from({ length: 20 }, () => connectTo(world.stack.url)));
    for (const [at, client] of loris.entries()) {
      client.send(
        at % 2 === 0
          ? "GET / HTTP/1.1\r\nHos"
          : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1",
      );
    }
    await world.expectAllSlots();
    for (const client of loris) client.socket.destroy();
    await world.expectAllSlots();
  });
});
