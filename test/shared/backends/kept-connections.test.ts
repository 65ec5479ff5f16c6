import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { type BackendAnswer, storeBody } from "../../../shared/backends/index.ts";
import type { RequestBody } from "../../../shared/core/http.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { headOf, type RawRequest, sent } from "../../support/raw-backend.ts";
import {
  FRAME,
  frame,
  headersFrame,
  lastFrame,
  numbers,
  type RawStream,
  startRawHttp2,
} from "../../support/raw-http2.ts";
import { callTo, failureOf, openBackend, openClient, readOut } from "./client-world.ts";

/** Reads an answer out, until its connection is free for the next request. */
async function readToEnd({ body }: BackendAnswer): Promise<string> {
  const { text } = await readOut(body);
  // Undici keeps a connection apart for one turn of the loop, should its backend not keep its word.
  await turn();
  await turn();
  return text;
}

const answer = (text: string): string => headOf("200 OK", `Content-Length: ${text.length}`) + text;
const connectionsOf = (requests: readonly { readonly connection: number }[]): number[] =>
  requests.map(({ connection }) => connection);

/** A backend that keeps its first connection for one answer, and then does as `breaks` says. */
function closingAtReuse(breaks: (request: RawRequest) => void | Promise<void>) {
  let count = 0;
  return (request: RawRequest): void | Promise<void> => {
    count += 1;
    if (request.connection === 1 && count > 1) return breaks(request);
    request.socket.write(answer(`${request.connection}`));
  };
}

const ways: [string, boolean, (request: RawRequest) => void][] = [
  ["closed", false, ({ socket }) => void socket.end()],
  ["reset", false, ({ socket }) => void socket.resetAndDestroy()],
  ["closed behind TLS", true, ({ socket }) => void socket.end()],
  ["cut behind TLS", true, ({ socket }) => void socket.destroy()],
];

const bodies: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of bodies.splice(0)) await close();
});

async function storedBody(): Promise<RequestBody> {
  const body = await storeBody(Readable.from([Buffer.alloc(90_000, "x")]), {
    maxBytes: 1e6,
    memoryBytes: 1000,
  });
  bodies.push(async () => (body instanceof Uint8Array ? undefined : body.close()));
  return body;
}

describe("a kept connection that its backend closes as a request goes out on it", () => {
  it.each(ways)("is replaced when it is %s", async (_, isSecure, breaks) => {
    const backend = await openBackend(closingAtReuse(breaks), { isSecure });
    const client = openClient({ ignoreTlsErrors: true });
    const told: string[] = [];
    const post = callTo(backend, {
      method: "POST",
      body: Buffer.from("question"),
      onResent: (by) => void told.push(by),
    });
    expect(await readToEnd(await client.call(post))).toBe("1");
    expect(told).toEqual([]);
    expect(await readToEnd(await client.call(post))).toBe("2");
    expect(told).toEqual(["closed"]);
    expect(connectionsOf(backend.requests)).toEqual([1, 1, 2]);
    expect(backend.requests.map(({ text }) => text.endsWith("question"))).not.toContain(false);
  });

  it("is replaced for a body that is not in memory, byte for byte", async () => {
    const backend = await openBackend(closingAtReuse(({ socket }) => void socket.end()));
    const client = openClient();
    await readToEnd(await client.call(callTo(backend)));
    const body = await storedBody();
    const called = await client.call(callTo(backend, { method: "POST", body }));
    expect(await readOut(called.body)).toEqual({ text: "2" });
    expect(backend.requests.at(-1)?.bodyBytes).toBe(90_000);
  });

  it("costs no second kept connection that is closed as well", async () => {
    const first = Promise.withResolvers<void>();
    const backend = await openBackend(async ({ connection, socket }) => {
      const number = backend.requests.filter((other) => other.connection === connection).length;
      if (number > 1 && connection <= 2) return void socket.end();
      if (connection === 1) await first.promise;
      socket.write(answer(`${connection}`));
      first.resolve();
    });
    const client = openClient();
    const both = [client.call(callTo(backend)), client.call(callTo(backend))];
    for (const call of both) await readToEnd(await call);
    expect(await readToEnd(await client.call(callTo(backend)))).toBe("3");
  });

  it("is replaced once: what fails on a fresh one is its backend's failure", async () => {
    const backend = await openBackend(({ socket }) => {
      if (backend.requests.length === 1) socket.write(answer("1"));
      else socket.end();
    });
    const client = openClient();
    await readToEnd(await client.call(callTo(backend)));
    const failure = await failureOf(client.call(callTo(backend)));
    expect(failure).toMatchObject({ kind: "reset", mayHaveBegun: true });
    expect(connectionsOf(backend.requests)).toEqual([1, 1, 2]);
  });

  it("is not replaced where a byte of the answer has come", async () => {
    const backend = await openBackend(
      closingAtReuse(async ({ socket }) => {
        await sent(socket, "HTTP/1.1 2");
        socket.end();
      }),
    );
    const client = openClient();
    await readToEnd(await client.call(callTo(backend)));
    expect(await failureOf(client.call(callTo(backend)))).toMatchObject({ kind: "reset" });
    expect(connectionsOf(backend.requests)).toEqual([1, 1]);
  });

  it("is not replaced when it breaks so late that its backend has the request", async () => {
    const clock = new FakeClock();
    const backend = await openBackend(
      closingAtReuse(async ({ socket }) => {
        await clock.advance(1001);
        socket.end();
      }),
    );
    const client = openClient({ clock });
    await readToEnd(await client.call(callTo(backend)));
    expect(await failureOf(client.call(callTo(backend)))).toMatchObject({ kind: "reset" });
    expect(connectionsOf(backend.requests)).toEqual([1, 1]);
  });

  it("is not asked for again once nobody wants the answer", async () => {
    const leaving = new AbortController();
    const backend = await openBackend(
      closingAtReuse(({ socket }) => {
        leaving.abort(new Error("client left"));
        socket.end();
      }),
    );
    const client = openClient();
    await readToEnd(await client.call(callTo(backend)));
    const failure = await failureOf(client.call(callTo(backend, { signal: leaving.signal })));
    expect(failure.message).toBe("client left");
    expect(connectionsOf(backend.requests)).toEqual([1, 1]);
  });
});

describe("in HTTP/2, a request that its backend has not seen", () => {
  const say = ({ id, socket }: RawStream, text: string): void =>
    void socket.write(Buffer.concat([headersFrame(id, [[":status", "200"]]), lastFrame(id, text)]));
  const refuse = ({ id, socket }: RawStream): void =>
    void socket.write(frame(FRAME.reset, 0, id, numbers(7)));

  async function open(script: (stream: RawStream, count: number) => void) {
    const streams: RawStream[] = [];
    const backend = await startRawHttp2((stream) => script(stream, streams.push(stream)));
    onTestFinished(() => backend[Symbol.asyncDispose]());
    const client = openClient({ ignoreTlsErrors: true, allowHttp2: true });
    const told: string[] = [];
    const onResent = (by: string): void => void told.push(by);
    const ask = async (body: RequestBody = Buffer.from("question")) =>
      readOut((await client.call(callTo(backend, { method: "POST", body, onResent }))).body);
    return { ask, streams, told };
  }

  it("goes out once more when its kept connection closes", async () => {
    const { ask, streams } = await open((stream, count) => {
      if (count === 2) stream.socket.end();
      else say(stream, `${stream.connection}`);
    });
    expect(await ask()).toEqual({ text: "1" });
    expect(await ask()).toEqual({ text: "2" });
    expect(connectionsOf(streams)).toEqual([1, 1, 2]);
  });

  it.each([
    ["in memory", async () => Buffer.from("question")],
    ["on disk", storedBody],
  ])("goes out once more when it was refused, with its body %s", async (_, bodyOf) => {
    const { ask, streams, told } = await open((stream, count) => {
      if (count === 1) refuse(stream);
      else say(stream, "taken");
    });
    expect(await ask(await bodyOf())).toEqual({ text: "taken" });
    expect(told).toEqual(["refused"]);
    expect(streams).toHaveLength(2);
  });

  it.each([
    ["in memory", async () => Buffer.from("question")],
    ["on disk", storedBody],
  ])(
    "goes out once more when the backend said goodbye before, with its body %s",
    async (_, bodyOf) => {
      const { ask, streams, told } = await open((stream, count) => {
        if (count > 1) return say(stream, "taken");
        stream.socket.end(frame(FRAME.goaway, 0, 0, numbers(0, 0)));
      });
      expect(await ask(await bodyOf())).toEqual({ text: "taken" });
      expect(told).toEqual(["refused"]);
      expect(connectionsOf(streams)).toEqual([1, 2]);
    },
  );

  it("is not refused more than twice", async () => {
    const { ask, streams } = await open(refuse);
    expect(await failureOf(ask())).toMatchObject({ kind: "reset" });
    expect(streams).toHaveLength(2);
  });

  it("is another than one that the backend took, and broke off", async () => {
    const { ask, streams } = await open((stream, count) => {
      const { id, socket } = stream;
      if (count === 1) say(stream, "first");
      else socket.write(frame(FRAME.reset, 0, id, numbers(2)));
    });
    expect(await ask()).toEqual({ text: "first" });
    expect(await failureOf(ask())).toMatchObject({ kind: "reset" });
    expect(streams).toHaveLength(2);
  });
});
