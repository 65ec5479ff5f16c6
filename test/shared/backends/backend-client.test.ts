import type { IncomingMessage, RequestListener } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "../../../local/free-port.ts";
import {
  type BackendCall,
  type BackendClient,
  createBackendClient,
  type TokenSource,
} from "../../../shared/backends/index.ts";
import type { HostSettings } from "../../../shared/config/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { hostWith } from "../../support/hosts.ts";
import { bodyTextOf, startServer } from "../../support/http-server.ts";
import { textOf } from "../../support/streams.ts";

const tokens: TokenSource = {
  token: async (scope) => `token for ${scope}`,
  tokenInstead: async () => undefined,
};
const clients: BackendClient[] = [];

function client(): BackendClient {
  const made = createBackendClient({ ignoreTlsErrors: false, tokens });
  clients.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((made) => made.close()));
});

function callTo(host: HostSettings, change: Partial<BackendCall> = {}): BackendCall {
  const { signal } = new AbortController();
  return { host, method: "GET", target: "/", headers: [], body: undefined, signal, ...change };
}

/** A server that answers everything, and what it was asked. */
async function recordingServer(answer?: RequestListener) {
  const requests: (IncomingMessage & { text?: string })[] = [];
  const started = await startServer(async (request, response) => {
    const text = await bodyTextOf(request);
    requests.push(Object.assign(request, { text }));
    if (answer) answer(request, response);
    else response.end("ok");
  });
  const host = hostWith({ origin: started.origin });
  return { requests, host, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
}

describe("the backend client", () => {
  it("sends the target as it is, encoded, doubled and unsorted", async () => {
    await using backend = await recordingServer();
    const target = "/a%2Fb//c/../d%20e?z=1&a=%26&a=+&empty=&%C3%A9";
    const answer = await client().call(callTo(backend.host, { target }));
    await textOf(answer.body);
    expect(backend.requests[0]?.url).toBe(target);
  });

  it("tells when a request goes out, and of none that never does", async () => {
    let sent = 0;
    const onSent = (): void => void sent++;
    await using backend = await recordingServer();
    await textOf((await client().call(callTo(backend.host, { onSent }))).body);
    expect(sent).toBe(1);
    const nobody = hostWith({ origin: `http://127.0.0.1:${await freePort()}` });
    await expect(client().call(callTo(nobody, { onSent }))).rejects.toMatchObject({
      mayHaveBegun: false,
    });
    const signal = AbortSignal.abort(new Error("left"));
    await expect(client().call(callTo(backend.host, { onSent, signal }))).rejects.toThrow("left");
    expect(sent).toBe(1);
  });

  it("sends headers in their order, spelling and repetition, behind its own", async () => {
    await using backend = await recordingServer();
    const headers = [
      ["X-B", "1"],
      ["Content-Encoding", "gzip"],
      ["x-a", "2"],
      ["X-B", "3"],
    ] as const;
    await textOf((await client().call(callTo(backend.host, { headers }))).body);
    const raw = backend.requests[0]?.rawHeaders ?? [];
    expect(raw.slice(raw.indexOf("X-B"))).toEqual(headers.flat());
  });

  it("sends cookies that came apart as one", async () => {
    await using backend = await recordingServer();
    const headers = [
      ["Cookie", "a=1"],
      ["X-A", "1"],
      ["cookie", "b=2; c=3"],
    ] as const;
    await textOf((await client().call(callTo(backend.host, { headers }))).body);
    const raw = backend.requests[0]?.rawHeaders ?? [];
    expect(raw.slice(raw.indexOf("Cookie"))).toEqual(["Cookie", "a=1; b=2; c=3", "X-A", "1"]);
  });

  it("gives headers back in their order, spelling and repetition", async () => {
    await using backend = await recordingServer((_, response) => {
      response.writeHead(207, ["Set-Cookie", "a=1", "X-One", "x", "Set-Cookie", "b=2"]).end("hi");
    });
    const answer = await client().call(callTo(backend.host));
    expect(answer.status).toBe(207);
    expect(answer.headers.slice(0, 3)).toEqual([
      ["Set-Cookie", "a=1"],
      ["X-One", "x"],
      ["Set-Cookie", "b=2"],
    ]);
    expect(await textOf(answer.body)).toBe("hi");
  });

  it("sends a body byte for byte, with its length", async () => {
    await using backend = await recordingServer();
    const body = Buffer.from('{"grüß":1}');
    await textOf((await client().call(callTo(backend.host, { method: "POST", body }))).body);
    expect(backend.requests[0]?.text).toBe(body.toString());
    expect(backend.requests[0]?.headers["content-length"]).toBe(String(body.byteLength));
  });

  it("follows no redirect and undoes no compression", async () => {
    await using backend = await recordingServer((_, response) => {
      response.writeHead(302, { location: "/elsewhere", "content-encoding": "gzip" });
      response.end("not really gzip");
    });
    const answer = await client().call(callTo(backend.host));
    expect([answer.status, await textOf(answer.body)]).toEqual([302, "not really gzip"]);
    expect(backend.requests).toHaveLength(1);
  });

  it("replaces the client's credentials by the gateway's token where the host asks for it", async () => {
    await using backend = await recordingServer();
    const host = { ...backend.host, tokenScope: "scope-1" };
    const headers = [
      ["Authorization", "Bearer of the client"],
      ["Api-Key", "of the client"],
      ["X-Kept", "1"],
    ] as const;
    await textOf((await client().call(callTo(host, { headers }))).body);
    const sent = backend.requests[0]?.headers ?? {};
    expect(sent.authorization).toBe("Bearer token for scope-1");
    expect(sent).not.toHaveProperty("api-key");
    expect(sent["x-kept"]).toBe("1");
  });

  it("sends the client's own credentials to every other host, and no token of ours", async () => {
    await using identified = await recordingServer();
    await using plain = await recordingServer();
    const headers = [["Authorization", "Bearer of the client"]] as const;
    const calls = client();
    const host = { ...identified.host, tokenScope: "scope-1" };
    await textOf((await calls.call(callTo(host, { headers }))).body);
    await textOf((await calls.call(callTo(plain.host, { headers }))).body);
    expect(plain.requests[0]?.headers.authorization).toBe("Bearer of the client");
  });

  it("ends a call when its signal aborts before the answer", async () => {
    const gone = Promise.withResolvers<void>();
    await using server = await startServer((request, response) => {
      response.once("close", () => gone.resolve());
      request.resume();
      aborting.abort(new Error("client left"));
    });
    const aborting = new AbortController();
    const call = callTo(hostWith({ origin: server.origin }), { signal: aborting.signal });
    await expect(client().call(call)).rejects.toThrow("client left");
    await gone.promise;
  });

  it("breaks off the body when its signal aborts while it is read", async () => {
    const gone = Promise.withResolvers<void>();
    await using server = await startServer((_, response) => {
      response.once("close", () => gone.resolve());
      response.write("first");
    });
    const aborting = new AbortController();
    const call = callTo(hostWith({ origin: server.origin }), { signal: aborting.signal });
    const answer = await client().call(call);
    const reading = (async () => {
      for await (const _ of answer.body) aborting.abort(new Error("client left"));
    })();
    await expect(reading).rejects.toThrow("client left");
    await gone.promise;
  });

  it("gives up the connection of an answer that is discarded", async () => {
    const gone = Promise.withResolvers<void>();
    await using server = await startServer((_, response) => {
      response.once("close", () => gone.resolve());
      response.write("first");
    });
    const answer = await client().call(callTo(hostWith({ origin: server.origin })));
    answer.discard();
    answer.discard();
    await gone.promise;
  });

  it("makes an error of an answer that ends too soon, never a short success", async () => {
    await using server = await startServer((_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("first", () => response.destroy());
    });
    const answer = await client().call(callTo(hostWith({ origin: server.origin })));
    await expect(textOf(answer.body)).rejects.toThrow();
  });

  it("rejects when nobody listens", async () => {
    const server = await startServer(() => {});
    await server[Symbol.asyncDispose]();
    const call = callTo(hostWith({ origin: server.origin }));
    await expect(client().call(call)).rejects.toThrow("ECONNREFUSED");
  });

  it("keeps its connections for further calls", async () => {
    await using server = await startServer((_, response) => void response.end("ok"));
    const connected: unknown[] = [];
    server.server.on("connection", (socket) => connected.push(socket));
    const calls = client();
    const host = hostWith({ origin: server.origin });
    for (const _ of [1, 2, 3]) {
      const { body } = await calls.call(callTo(host));
      await textOf(body);
      // The connection is free again a turn after the body has ended.
      await settle();
    }
    expect(connected).toHaveLength(1);
  });
});
