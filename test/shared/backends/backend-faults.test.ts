import { describe, expect, it } from "vitest";
import { freePort } from "../../../local/free-port.ts";
import { BackendFailure } from "../../../shared/backends/index.ts";
import { eventually } from "../../support/eventually.ts";
import {
  chunkOf,
  drip,
  headOf,
  LAST_CHUNK,
  type RawRequest,
  type RawScript,
  sent,
} from "../../support/raw-backend.ts";
import { callTo, failureOf, openBackend, openClient, readOut } from "./client-world.ts";

const ok = headOf("200 OK", "Content-Length: 2");

describe("a backend that fails before its answer", () => {
  const early: [string, RawScript, string][] = [
    ["resets the connection", ({ socket }) => void socket.resetAndDestroy(), "reset"],
    ["closes the connection", ({ socket }) => void socket.end(), "reset"],
    [
      "resets within its headers",
      async ({ socket }) => {
        await sent(socket, "HTTP/1.1 200 OK\r\nContent-Le");
        socket.resetAndDestroy();
      },
      "reset",
    ],
    [
      "closes within its headers",
      ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nX: "),
      "reset",
    ],
    [
      "speaks something else",
      ({ socket }) => void socket.end("SSH-2.0-OpenSSH\r\n\r\n"),
      "protocol",
    ],
    [
      "sends a length that is no number",
      ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
      "protocol",
    ],
    [
      "sends two lengths that differ",
      ({ socket }) =>
        void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
      "protocol",
    ],
    [
      "sends headers without end",
      async ({ socket }) => {
        socket.write("HTTP/1.1 200 OK\r\n");
        const field = `X-Endless: ${"x".repeat(1000)}\r\n`;
        while (!socket.destroyed) await sent(socket, field);
      },
      "protocol",
    ],
  ];
  it.each(early)("and %s is told from one that never began", async (_, script, kind) => {
    const backend = await openBackend(script);
    const failure = await failureOf(openClient().call(callTo(backend)));
    expect(failure).toBeInstanceOf(BackendFailure);
    expect(failure).toMatchObject({ kind, mayHaveBegun: true });
    await eventually(() => backend.open.size).toBe(0);
  });

  it("and takes no connection has not begun to work", async () => {
    const origin = `http://127.0.0.1:${await freePort()}`;
    const failure = await failureOf(openClient().call(callTo({ origin })));
    expect(failure).toMatchObject({ kind: "connect", mayHaveBegun: false });
    expect(failure).toBeInstanceOf(BackendFailure);
  });

  it("and has no address has not begun to work", async () => {
    const failure = await failureOf(
      openClient().call(callTo({ origin: "http://nowhere.invalid" })),
    );
    expect(failure).toMatchObject({ kind: "connect", mayHaveBegun: false });
  });

  it.each([
    ["a length", headOf("200 OK", "Content-Length: 5")],
    ["chunks", headOf("200 OK", "Transfer-Encoding: chunked")],
  ])(
    "and dies between headers with %s and the first byte has committed to nothing",
    async (_, head) => {
      const backend = await openBackend(({ socket }) => void socket.end(head));
      const failure = await failureOf(openClient().call(callTo(backend)));
      expect(failure).toMatchObject({ kind: "truncated", mayHaveBegun: true });
    },
  );
});

describe("a backend that fails within its answer", () => {
  const chunked = headOf("200 OK", "Transfer-Encoding: chunked");
  type PacedScript = (request: RawRequest, committed: Promise<void>) => void | Promise<void>;
  const late: [string, PacedScript, string, string][] = [
    [
      "sends less than its length",
      ({ socket }) => void socket.end(`${headOf("200 OK", "Content-Length: 9")}four`),
      "four",
      "truncated",
    ],
    [
      "ends without a last chunk",
      ({ socket }) => void socket.end(chunked + chunkOf("four")),
      "four",
      "truncated",
    ],
    [
      "ends within a chunk",
      ({ socket }) => void socket.end(`${chunked}9\r\nfour`),
      "four",
      "truncated",
    ],
    [
      "sends a chunk's size that is none",
      ({ socket }) => void socket.end(`${chunked + chunkOf("four")}xyz\r\n`),
      "four",
      "protocol",
    ],
    [
      "sends more than a chunk's size",
      ({ socket }) => void socket.end(`${chunked}4\r\nfourteen\r\n`),
      "four",
      "protocol",
    ],
    [
      "resets",
      async ({ socket }, committed) => {
        socket.write(chunked + chunkOf("four"));
        await committed;
        socket.resetAndDestroy();
      },
      "four",
      "truncated",
    ],
  ];
  it.each(late)("and %s never looks whole", async (_, script, text, kind) => {
    const committed = Promise.withResolvers<void>();
    const backend = await openBackend((request) => script(request, committed.promise));
    const { body } = await openClient().call(callTo(backend));
    // A reset would overtake bytes that nobody has taken yet.
    committed.resolve();
    const outcome = await readOut(body);
    expect(outcome.text).toBe(text);
    expect(outcome.error).toBeInstanceOf(BackendFailure);
    expect(outcome.error).toMatchObject({ kind, mayHaveBegun: true });
    await eventually(() => backend.open.size).toBe(0);
  });

  it("and sends more than its length is believed up to the length", async () => {
    const backend = await openBackend(
      ({ socket }) => void socket.end(`${ok}okHTTP/1.1 500 no\r\n\r\n`),
    );
    const client = openClient();
    expect(await readOut((await client.call(callTo(backend))).body)).toEqual({ text: "ok" });
    expect(await readOut((await client.call(callTo(backend))).body)).toEqual({ text: "ok" });
    expect(backend.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });
});

describe("a backend that is only odd", () => {
  const whole: [string, RawScript, string][] = [
    [
      "sends a byte at a time",
      ({ socket }) =>
        drip(
          socket,
          `${headOf("200 OK", "Transfer-Encoding: chunked")}${chunkOf("one byte")}${LAST_CHUNK}`,
        ),
      "one byte",
    ],
    [
      "ends its body with the connection",
      ({ socket }) => void socket.end(`${headOf("200 OK")}until the end`),
      "until the end",
    ],
    ["speaks HTTP/1.0", ({ socket }) => void socket.end("HTTP/1.0 200 OK\r\n\r\nold"), "old"],
    ["closes its half first", ({ socket }) => void socket.end(`${ok}ok`), "ok"],
    [
      "sends interim answers first",
      ({ socket }) =>
        void socket.write(
          `${headOf("100 Continue")}${headOf("102 Processing")}${headOf("103 Early Hints", "Link: </a>")}${ok}ok`,
        ),
      "ok",
    ],
    [
      "uses extensions of chunks",
      ({ socket }) =>
        void socket.write(
          `${headOf("200 OK", "Transfer-Encoding: chunked")}2;a=b\r\nok\r\n${LAST_CHUNK}`,
        ),
      "ok",
    ],
    [
      "sends an empty body",
      ({ socket }) => void socket.write(headOf("200 OK", "Content-Length: 0")),
      "",
    ],
  ];
  it.each(whole)("and %s is understood", async (_, script, text) => {
    const backend = await openBackend(script);
    const { status, body } = await openClient().call(callTo(backend));
    expect([status, await readOut(body)]).toEqual([200, { text }]);
  });

  it.each([
    ["HEAD", headOf("200 OK", "Content-Length: 500")],
    ["GET", headOf("204 No Content")],
    ["GET", headOf("304 Not Modified", "Content-Length: 500", "ETag: x")],
  ])("a %s answer without a body ends where its headers end", async (method, head) => {
    const backend = await openBackend(({ socket }) => void socket.write(head));
    const { body } = await openClient().call(callTo(backend, { method }));
    expect(await readOut(body)).toEqual({ text: "" });
  });

  it("gives no length for a 205, which has no body", async () => {
    const backend = await openBackend(
      ({ socket }) =>
        void socket.write(`${headOf("205 Reset Content", "Content-Length: 2", "X: 1")}no`),
    );
    const answer = await openClient().call(callTo(backend));
    expect(answer.headers).toEqual([["X", "1"]]);
    answer.discard();
  });

  it("gives the fields behind a chunked body once it has been read", async () => {
    const head = headOf("200 OK", "Transfer-Encoding: chunked", "Trailer: X-Sum");
    const backend = await openBackend(
      ({ socket }) => void socket.write(`${head}${chunkOf("a")}0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n`),
    );
    const answer = await openClient().call(callTo(backend));
    expect(await readOut(answer.body)).toEqual({ text: "a" });
    expect(answer.trailers?.()).toEqual([
      ["X-Sum", "1"],
      ["x-sum", "2"],
    ]);
  });

  it("is asked on a new connection when it has closed the kept one", async () => {
    const backend = await openBackend(({ socket }) => {
      socket.write(`${ok}ok`, () => setImmediate(() => socket.end()));
    });
    const client = openClient();
    for (const turn of [1, 2, 3]) {
      expect(await readOut((await client.call(callTo(backend))).body)).toEqual({ text: "ok" });
      await eventually(() => backend.open.size).toBe(0);
      expect(backend.requests.at(-1)?.connection).toBe(turn);
    }
  });
});

describe("a call that nobody wants any more", () => {
  const silent: RawScript = () => {};
  const begun: RawScript = ({ socket }) =>
    void socket.write(headOf("200 OK", "Transfer-Encoding: chunked") + chunkOf("first"));
  const preamble: RawScript = ({ socket }) =>
    void socket.write(
      headOf("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked") +
        chunkOf(": wait\n\n"),
    );
  it.each([
    ["before the answer", silent, false],
    ["before the first event", preamble, false],
    ["while it is taken whole", begun, true],
  ])("lets go of the backend %s", async (_, script, whole) => {
    const backend = await openBackend(script);
    const leaving = new AbortController();
    const call = openClient().call(callTo(backend, { signal: leaving.signal, whole }));
    const failed = failureOf(call);
    await eventually(() => backend.requests.length).toBe(1);
    leaving.abort(new Error("client left"));
    expect((await failed).message).toBe("client left");
    await eventually(() => backend.open.size).toBe(0);
  });

  it("lets go of the backend in the middle of the body", async () => {
    const backend = await openBackend(begun);
    const leaving = new AbortController();
    const { body } = await openClient().call(callTo(backend, { signal: leaving.signal }));
    const reading = readOut(body);
    leaving.abort(new Error("client left"));
    expect((await reading).error).toBe(leaving.signal.reason);
    await eventually(() => backend.open.size).toBe(0);
  });

  it("sends nothing when it was over before it began", async () => {
    const backend = await openBackend(silent);
    const signal = AbortSignal.abort(new Error("client left"));
    const failure = await failureOf(openClient().call(callTo(backend, { signal })));
    expect(failure.message).toBe("client left");
    expect(backend.requests).toEqual([]);
  });
});
