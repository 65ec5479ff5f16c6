import { once } from "node:events";
import {
  get,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from "node:http";
import { describe, expect, it } from "vitest";
import { type HttpConnection, HttpConnections } from "../../functions/http-connections.ts";
import { drained } from "../../functions/send-answer.ts";
import { startServer } from "../support/http-server.ts";

const connections = new HttpConnections();
let invocations = 0;

/** A server that takes requests as the library's does, and hands each connection to the test. */
async function open(listener: RequestListener = () => {}) {
  const id = `invocation-${++invocations}`;
  const found = Promise.withResolvers<{ connection: HttpConnection; response: ServerResponse }>();
  const server = await startServer((incoming, response) => {
    const connection = connections.find(id);
    if (connection) found.resolve({ connection, response });
    else found.reject(new Error("No connection was found."));
    listener(incoming, response);
  });
  const options = { headers: { "x-ms-invocation-id": id } };
  return { ...server, id, found: found.promise, options };
}

const aborted = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted ? Promise.resolve() : once(signal, "abort");

async function ended(response: ServerResponse): Promise<void> {
  const closed = once(response, "close");
  response.end();
  await closed;
}

describe("HttpConnections", () => {
  it("shows an invocation's target and headers as they came, without the host's own", async () => {
    await using server = await open();
    const path = "/a%2Fb//c?x=%26&x";
    const headers = [
      ...["X-B", "1", "x-b", "2", "X-MS-Invocation-Id", server.id],
      ...["X-Forwarded-Host", "front", "Host", "gateway.test"],
    ];
    const client = request(`${server.origin}${path}`, { headers }).end();
    client.on("response", (response) => response.resume());
    const { connection, response } = await server.found;
    expect(connection.target).toBe(path);
    expect(connection.headers.slice(0, 2)).toEqual([
      ["X-B", "1"],
      ["x-b", "2"],
    ]);
    const names = connection.headers.map(([name]) => name.toLowerCase());
    expect(names).not.toContain("x-ms-invocation-id");
    expect(names).not.toContain("x-forwarded-host");
    await ended(response);
  });

  it("tells when the client leaves before its answer is complete, and forgets the connection", async () => {
    await using server = await open((_, response) => void response.write("first"));
    const client = get(server.origin, server.options, (response) => {
      response.on("error", () => {});
      client.destroy();
    });
    client.on("error", () => {});
    const { connection } = await server.found;
    await aborted(connection.closed);
    expect(connection.closed.reason).toMatchObject({ code: "client-closed" });
    expect(connections.find(server.id)).toBeUndefined();
  });

  it("says nothing of a client that got its whole answer, and forgets the connection", async () => {
    await using server = await open();
    get(server.origin, server.options, (response) => response.resume());
    const { connection, response } = await server.found;
    await ended(response);
    expect(connection.closed.aborted).toBe(false);
    expect(connections.find(server.id)).toBeUndefined();
  });

  it("takes no notice of servers that are not the library's", async () => {
    await using server = await open((_, response) => response.end());
    get(server.origin, (response) => response.resume());
    await expect(server.found).rejects.toThrow("No connection");
  });

  it("sends headers in their order, spelling and number, in place of the host's", async () => {
    await using server = await open();
    const answered = Promise.withResolvers<IncomingMessage>();
    get(server.origin, server.options, answered.resolve);
    const { connection, response } = await server.found;
    response.setHeader("x-host", "of the host");
    const headers = [
      ["X-Zed", "1"],
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
      ["Link", "</a>; rel=next"],
      ["Link", "</b>; rel=prev"],
      ["X-HOST", "of the backend"],
    ] as const;
    connection.setHeaders(headers);
    response.end();
    const { rawHeaders } = (await answered.promise).resume();
    const sent = rawHeaders.flatMap((name, index) =>
      index % 2 === 0 ? [[name, rawHeaders[index + 1]]] : [],
    );
    // The host's header keeps the place in which it was set first.
    expect(sent.slice(0, headers.length)).toEqual([headers[5], ...headers.slice(0, 5)]);
  });

  it("has nothing to wait for while the client keeps up", async () => {
    await using server = await open();
    get(server.origin, server.options, (response) => response.resume());
    const { response } = await server.found;
    await drained(response);
    await ended(response);
  });

  it("waits for a client that reads slowly, until it has read", async () => {
    await using server = await open();
    const answered = Promise.withResolvers<IncomingMessage>();
    get(server.origin, server.options, (answer) => answered.resolve(answer.pause()));
    const { response } = await server.found;
    while (response.write(Buffer.alloc(1_000_000)));
    expect(response.writableNeedDrain).toBe(true);
    const waiting = drained(response);
    (await answered.promise).resume();
    await waiting;
    expect(response.writableNeedDrain).toBe(false);
    expect([response.listenerCount("drain"), response.listenerCount("close")]).toEqual([0, 1]);
    await ended(response);
  });

  it("stops waiting for a slow client that leaves", async () => {
    await using server = await open();
    const client = get(server.origin, server.options, (answer) => {
      answer.on("error", () => {}).pause();
    });
    client.on("error", () => {});
    const { connection, response } = await server.found;
    while (response.write(Buffer.alloc(1_000_000)));
    const waiting = drained(response);
    client.destroy();
    await waiting;
    await aborted(connection.closed);
  });
});
