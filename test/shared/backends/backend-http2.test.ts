import { once } from "node:events";
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { BackendFailure, storeBody } from "../../../shared/backends/index.ts";
import { eventually } from "../../support/eventually.ts";
import { hostWith } from "../../support/hosts.ts";
import { TEST_CERTIFICATE } from "../../support/test-certificate.ts";
import { callTo, failureOf, openClient, readOut } from "./client-world.ts";

type Script = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A TLS backend that speaks both versions and notes what it was asked for. */
async function openSecure(script: Script) {
  const server: Http2SecureServer = createSecureServer({ ...TEST_CERTIFICATE, allowHTTP1: true });
  const names: unknown[] = [];
  const seen: { host: string | undefined; version: string }[] = [];
  const open = new Set<unknown>();
  server.on("secureConnection", (socket: TLSSocket) => names.push(socket.servername));
  server.on("session", (session) => {
    session.on("error", () => {});
    onTestFinished(() => session.destroy());
  });
  server.on("stream", (stream, headers) => {
    open.add(stream);
    stream.on("error", () => {}).on("close", () => open.delete(stream));
    seen.push({ host: headers[":authority"], version: "2" });
    script(stream, headers);
  });
  server.on("request", (request, response) => {
    if (request.httpVersion === "2.0") return;
    seen.push({ host: request.headers.host, version: "1" });
    response.end("one");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  // Pinned, so that the certificate's name can be used without a name server.
  const origin = `https://backend.test:${port}`;
  return { host: hostWith({ origin, ipAddress: "127.0.0.1" }), origin, names, seen, open };
}

const http2Client = () => openClient({ ignoreTlsErrors: true, allowHttp2: true });
const call = (backend: Awaited<ReturnType<typeof openSecure>>, target = "/") => ({
  ...callTo(backend, { target }),
  host: backend.host,
});

describe("a TLS backend at a pinned address", () => {
  it("is greeted by its own name, in TLS as in Host (V47)", async () => {
    const backend = await openSecure(() => {});
    const answer = await openClient({ ignoreTlsErrors: true }).call(call(backend));
    expect(await readOut(answer.body)).toEqual({ text: "one" });
    expect(backend.names).toEqual(["backend.test"]);
    expect(backend.seen).toEqual([{ host: new URL(backend.origin).host, version: "1" }]);
  });

  it("is not trusted without a certificate that can be checked", async () => {
    const backend = await openSecure(() => {});
    const failure = await failureOf(openClient().call(call(backend)));
    expect(failure).toMatchObject({ kind: "connect", mayHaveBegun: false });
    expect(backend.seen).toEqual([]);
  });
});

describe("a backend that offers HTTP/2", () => {
  it("is spoken to in it where that is allowed", async () => {
    const backend = await openSecure((stream) => {
      stream.respond({ ":status": 207, "x-zed": "1", "set-cookie": ["a=1", "b=2"], "x-a": "2" });
      stream.end("two");
    });
    const answer = await http2Client().call(call(backend));
    expect(answer.status).toBe(207);
    expect(answer.headers.slice(0, 4)).toEqual([
      ["x-zed", "1"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["x-a", "2"],
    ]);
    expect(await readOut(answer.body)).toEqual({ text: "two" });
    expect(backend.seen).toEqual([{ host: new URL(backend.origin).host, version: "2" }]);
  });

  it("serves many calls at once, each with its own bytes", async () => {
    const backend = await openSecure((stream, headers) => {
      stream.respond({ ":status": 200 });
      stream.end(`${headers[":path"]} `.repeat(20_000));
    });
    const client = http2Client();
    const targets = Array.from({ length: 40 }, (_, index) => `/${index}`);
    const texts = await Promise.all(
      targets.map(async (target) => readOut((await client.call(call(backend, target))).body)),
    );
    expect(texts).toEqual(targets.map((target) => ({ text: `${target} `.repeat(20_000) })));
  });

  it("takes a hundred long requests at once, and answers while it has not read them", async () => {
    const backend = await openSecure((stream) => {
      stream.respond({ ":status": 200 });
      // Some have their answer before the others' bodies are read.
      stream.write(
        "taken ",
        () => void buffer(stream).then(({ length }) => stream.end(`${length}`)),
      );
    });
    const body = Buffer.alloc(300_000, "x");
    const client = http2Client();
    const post = { ...call(backend), method: "POST", body };
    const answers = Array.from({ length: 100 }, async () =>
      readOut((await client.call(post)).body),
    );
    expect(new Set((await Promise.all(answers)).map(({ text }) => text))).toEqual(
      new Set(["taken 300000"]),
    );
    expect(backend.names).toHaveLength(1);
  });

  it("never looks whole when it breaks its stream off", async () => {
    const backend = await openSecure((stream) => {
      stream.respond({ ":status": 200 });
      stream.write("half", () => stream.destroy(new Error("broken")));
    });
    // The reset may overtake the bytes; then there is no answer at all.
    const outcome = await http2Client()
      .call(call(backend))
      .then(
        ({ body }) => readOut(body),
        (error: unknown) => ({ text: "", error }),
      );
    expect(outcome.error).toBeInstanceOf(BackendFailure);
    expect(outcome.error).toMatchObject({ mayHaveBegun: true });
  });

  it("learns that a caller has left, and keeps the others", async () => {
    const backend = await openSecure((stream, headers) => {
      stream.respond({ ":status": 200 });
      if (headers[":path"] === "/stay") stream.end("stayed");
      else stream.write("first");
    });
    const client = http2Client();
    const answer = await client.call(call(backend, "/leave"));
    answer.discard();
    await eventually(() => backend.open.size).toBe(0);
    const stayed = await client.call(call(backend, "/stay"));
    expect(await readOut(stayed.body)).toEqual({ text: "stayed" });
  });

  it.each([
    ["reset with CANCEL", constants.NGHTTP2_CANCEL],
    ["reset without an error", constants.NGHTTP2_NO_ERROR],
  ])("is not believed that JSON is whole when it is %s", async (_, code) => {
    const backend = await openSecure((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/json" });
      stream.write('{"a":[{"b":"}]}');
      // Who answers a ping has what was sent before; a reset could overtake it.
      stream.session?.ping(() => stream.close(code));
    });
    const client = http2Client();
    const streamed = await client.call(call(backend));
    expect((await readOut(streamed.body)).error).toMatchObject({ kind: "truncated" });
    for (const how of [{ whole: true }, { wholeBytes: 1000 }]) {
      const failure = await failureOf(client.call({ ...call(backend), ...how }));
      expect(failure).toMatchObject({ kind: "truncated", mayHaveBegun: true });
    }
  });

  it("is believed that JSON is whole where it closes all that it opened", async () => {
    const text = JSON.stringify({ a: ['"}', "\\", { b: "é" }], c: 1 });
    const backend = await openSecure((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/json; charset=utf-8" });
      for (const byte of Buffer.from(text)) stream.write(Buffer.of(byte));
      stream.end();
    });
    const answer = await http2Client().call({ ...call(backend), wholeBytes: 1000 });
    const { text: read } = await readOut(answer.body);
    expect(Buffer.from(read, "latin1").toString()).toBe(text);
  });

  it("serves what it has when it says goodbye, and what comes then on a new connection", async () => {
    const next = Promise.withResolvers<void>();
    const backend = await openSecure((stream, headers) => {
      stream.respond({ ":status": 200 });
      if (headers[":path"] === "/new") stream.end("new");
      else {
        stream.write("first ");
        stream.session?.close();
        void next.promise.then(() => stream.end("and last"));
      }
    });
    const client = http2Client();
    const begun = await client.call(call(backend, "/begun"));
    expect(await readOut((await client.call(call(backend, "/new"))).body)).toEqual({ text: "new" });
    next.resolve();
    expect(await readOut(begun.body)).toEqual({ text: "first and last" });
    expect(backend.names).toHaveLength(2);
  });

  it("loses a call that is silent, and no other on the same connection", async () => {
    const answer = Promise.withResolvers<void>();
    const backend = await openSecure((stream, headers) => {
      if (headers[":path"] === "/silent") return;
      stream.respond({ ":status": 200 });
      stream.write("early ");
      void answer.promise.then(() => stream.end("late"));
    });
    const client = http2Client();
    const other = await client.call(call(backend, "/other"));
    const silent = { ...call(backend, "/silent"), limits: { firstByteMs: 50 } };
    expect(await failureOf(client.call(silent))).toMatchObject({ kind: "first-byte-timeout" });
    await eventually(() => backend.open.size).toBe(1);
    answer.resolve();
    expect(await readOut(other.body)).toEqual({ text: "early late" });
    expect(backend.names).toHaveLength(1);
  });

  it("gets a body that is not in memory, and tells nothing by interim answers", async () => {
    const backend = await openSecure((stream, headers) => {
      stream.additionalHeaders({ ":status": 103, link: "</a>" });
      void buffer(stream).then(({ length }) => {
        stream.respond({ ":status": 200 });
        stream.end(`${headers["content-length"]} ${length}`);
      });
    });
    const body = await storeBody(Readable.from([Buffer.alloc(90_000), Buffer.alloc(10_000)]), {
      maxBytes: 1e6,
      memoryBytes: 1000,
    });
    const answer = await http2Client().call({ ...call(backend), method: "POST", body });
    expect(await readOut(answer.body)).toEqual({ text: "100000 100000" });
    if (!(body instanceof Uint8Array)) body.close();
  });
});
