import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { HttpRequest, InvocationContext } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { HttpConnections } from "../../functions/http-connections.ts";
import { toGatewayRequest, toHttpResponse } from "../../functions/http-exchange.ts";
import type { GatewayResponse } from "../../shared/core/http.ts";
import { startServer } from "../support/http-server.ts";
import { sendAsLibrary } from "../support/library-server.ts";
import { connectTo } from "../support/raw-client.ts";
import { bodyOf, textOf } from "../support/streams.ts";

const connections = new HttpConnections();
let invocations = 0;

/** A server that answers as the app and the library would together. */
async function serving(answer: GatewayResponse) {
  const id = `exchange-${++invocations}`;
  const sent = Promise.withResolvers<void>();
  const server = await startServer((_, response) => {
    const init = toHttpResponse(answer, connections.find(id));
    sendAsLibrary(init, response).then(sent.resolve, sent.reject);
  });
  const options = { headers: { "x-ms-invocation-id": id } };
  const ask = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get(server.origin, options, resolve).on("error", reject);
    });
  return {
    ...server,
    id,
    ask,
    sent: sent.promise,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe("an answer on its way through the library", () => {
  it("keeps its status, headers, cookies and bytes", async () => {
    const headers = [
      ["Content-Type", "text/plain"],
      ["Set-Cookie", "a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT"],
      ["X-A", "1"],
      ["Set-Cookie", "b=2"],
    ] as const;
    await using server = await serving({ status: 207, headers, body: bodyOf("a", "b") });
    const response = await server.ask();
    expect(await textOf(response)).toBe("ab");
    expect(response.statusCode).toBe(207);
    expect(response.headers).toMatchObject({
      "content-type": "text/plain",
      "set-cookie": ["a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "b=2"],
      "x-a": "1",
    });
  });

  it.each([
    ["its length, and short", ["Content-Length", "6"], "abäcd"],
    ["its length, and long", ["Content-Length", "300000"], "x".repeat(300_000)],
    ["no length", ["X-A", "1"], "abc"],
  ] as const)("is whole, with %s", async (_, header, text) => {
    const body = Buffer.from(text);
    await using server = await serving({ status: 207, headers: [header], body });
    const response = await server.ask();
    expect([response.statusCode, await textOf(response)]).toEqual([207, text]);
    expect(response.rawHeaders.slice(0, 2)).toEqual(header);
    expect(response.headers["content-length"]).toBe(String(body.byteLength));
    await server.sent;
  });

  it("has the fields behind its body, where there are any", async () => {
    const trailers = () => [["X-Sum", "1"] as const, ["X-Sum", "2"] as const];
    await using server = await serving({ status: 200, headers: [], body: bodyOf("a"), trailers });
    const response = await server.ask();
    expect(await textOf(response)).toBe("a");
    expect(response.rawTrailers).toEqual(["X-Sum", "1", "X-Sum", "2"]);
  });

  it.each([204, 304])("may be a %d, without a body", async (status) => {
    await using server = await serving({ status, headers: [], body: undefined });
    const response = await server.ask();
    expect([response.statusCode, await textOf(response)]).toEqual([status, ""]);
  });

  it("tells its head while its body is still to come", async () => {
    const body = Promise.withResolvers<Uint8Array>();
    async function* late(): AsyncGenerator<Uint8Array> {
      yield await body.promise;
    }
    const headers = [["X-A", "1"]] as const;
    await using server = await serving({ status: 207, headers, body: late() });
    const response = await server.ask();
    expect([response.statusCode, response.headers["x-a"]]).toEqual([207, "1"]);
    body.resolve(Buffer.from("a"));
    expect(await textOf(response)).toBe("a");
  });

  it("breaks off behind its last words where its length is known", async () => {
    async function* short(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("last words");
      throw new Error("connection reset");
    }
    const headers = [["Content-Length", "20"]] as const;
    await using server = await serving({ status: 200, headers, body: short() });
    using client = await connectTo(server.origin);
    client.send(`GET / HTTP/1.1\r\nHost: a\r\nX-MS-Invocation-Id: ${server.id}\r\n\r\n`);
    const [received] = await Promise.all([
      client.closed(),
      expect(server.sent).rejects.toThrow("connection reset"),
    ]);
    expect(received).toMatch(/\r\n\r\nlast words$/);
  });

  it("asks for no more than the client takes, and for all of it in the end", async () => {
    const total = 200;
    let asked = 0;
    async function* large(): AsyncGenerator<Uint8Array> {
      for (; asked < total; asked++) yield Buffer.alloc(256 * 1024);
    }
    await using server = await serving({ status: 200, headers: [], body: large() });
    const response = (await server.ask()).pause();
    await once(response, "readable");
    const askedBeforeReading = asked;
    expect(askedBeforeReading).toBeLessThan(total);
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).byteLength;
    expect([asked, received]).toEqual([total, total * 256 * 1024]);
  });

  it("gives its body up when the client leaves", async () => {
    const released = Promise.withResolvers<void>();
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.alloc(64 * 1024);
      } finally {
        released.resolve();
      }
    }
    await using server = await serving({ status: 200, headers: [], body: endless() });
    const response = await server.ask();
    response.on("error", () => {}).destroy();
    await released.promise;
    await server.sent;
  });

  it("reaches the client as an error when its body breaks, never as an end", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      throw new Error("connection reset");
    }
    await using server = await serving({ status: 200, headers: [], body: broken() });
    await Promise.all([
      expect(server.ask().then(textOf)).rejects.toThrow(/aborted|socket hang up/),
      expect(server.sent).rejects.toThrow("connection reset"),
    ]);
  });
});

describe("an answer whose body breaks", () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first");
    yield Buffer.from("last words");
    throw new Error("connection reset");
  }
  const request = (version: string, id: string): string =>
    `GET / HTTP/${version}\r\nHost: a\r\nX-MS-Invocation-Id: ${id}\r\n\r\n`;

  it("reaches the client up to the break, and has no last chunk", async () => {
    await using server = await serving({ status: 200, headers: [], body: broken() });
    using client = await connectTo(server.origin);
    client.send(request("1.1", server.id));
    const [received] = await Promise.all([
      client.closed(),
      expect(server.sent).rejects.toThrow("connection reset"),
    ]);
    expect(received).toMatch(/5\r\nfirst\r\na\r\nlast words\r\n$/);
  });

  it("resets a client that would take the connection's end for the body's", async () => {
    await using server = await serving({ status: 200, headers: [], body: broken() });
    using client = await connectTo(server.origin);
    const failed = once(client.socket, "error");
    client.send(request("1.0", server.id));
    await expect(server.sent).rejects.toThrow("connection reset");
    const [error] = await failed;
    expect(error).toMatchObject({ code: "ECONNRESET" });
  });
});

describe("toGatewayRequest", () => {
  const options = { connections, requestId: "request-1", receivedAt: 5 };
  const context = new InvocationContext({ invocationId: "unknown" });

  it.each([
    ["http://localhost:7071/a%2Fb//c/../d?x=%26", "/a%2Fb//c/../d?x=%26"],
    ["http://localhost:7071", "/"],
    ["https://gateway.test?x=1", "?x=1"],
  ])("reads %s where the host does not stream", (url, target) => {
    const asked = { url, method: "POST", headers: new Headers({ "X-A": "1" }), body: null };
    const request = toGatewayRequest(asked as unknown as HttpRequest, context, options);
    expect(request).toMatchObject({
      id: "request-1",
      method: "POST",
      target,
      headers: [["x-a", "1"]],
      body: undefined,
      receivedAt: 5,
    });
    expect(request.closed.aborted).toBe(false);
  });

  it("hands on the body as it arrives", async () => {
    const asked = new HttpRequest({
      method: "POST",
      url: "http://localhost/",
      body: { string: "question" },
    });
    const { body } = toGatewayRequest(asked, context, options);
    expect(await textOf(body)).toBe("question");
  });
});
