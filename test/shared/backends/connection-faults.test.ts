import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import type { BackendAnswer } from "../../../shared/backends/index.ts";
import { chunkOf, headOf, LAST_CHUNK, sent } from "../../support/raw-backend.ts";
import { callTo, failureOf, openBackend, openClient, readOut } from "./client-world.ts";

const OK = `${headOf("200 OK", "Content-Length: 2")}ok`;
const EVIL = `${headOf("200 OK", "Content-Length: 4")}evil`;

/** Reads an answer out, until its connection may be used again. */
async function readToEnd({ body }: BackendAnswer): Promise<string> {
  const { text } = await readOut(body);
  await turn();
  await turn();
  return text;
}

describe("an answer that only its connection ends", () => {
  const head = headOf("200 OK", "Content-Type: text/plain");

  it("is whole when that is closed", async () => {
    const backend = await openBackend(({ socket }) => void socket.end(`${head}whole`));
    const { body } = await openClient().call(callTo(backend));
    expect(await readOut(body)).toEqual({ text: "whole" });
  });

  it("is broken off when that is reset", async () => {
    const begun = Promise.withResolvers<void>();
    const backend = await openBackend(async ({ socket }) => {
      await sent(socket, `${head}half`);
      await begun.promise;
      socket.resetAndDestroy();
    });
    const { body } = await openClient().call(callTo(backend));
    const reading = readOut(body);
    begun.resolve();
    const { text, error } = await reading;
    expect([text, error]).toMatchObject(["half", { kind: "truncated" }]);
  });
});

describe("an answer in a transfer coding", () => {
  it.each(["gzip, chunked", "chunked, gzip", "xchunked", "gzip"])(
    "of %s is none",
    async (coding) => {
      const head = headOf("200 OK", `Transfer-Encoding: ${coding}`);
      const backend = await openBackend(
        ({ socket }) => void socket.end(head + chunkOf("hello") + LAST_CHUNK),
      );
      const failure = await failureOf(openClient().call(callTo(backend)));
      expect(failure).toMatchObject({ kind: "protocol", mayHaveBegun: true });
    },
  );

  it.each(["Chunked", "identity"])("of %s is understood", async (coding) => {
    const isChunked = coding === "Chunked";
    const body = isChunked ? chunkOf("hello") + LAST_CHUNK : "hello";
    const head = headOf("200 OK", `Transfer-Encoding: ${coding}`);
    const backend = await openBackend(({ socket }) => void socket.end(head + body));
    const answer = await openClient().call(callTo(backend));
    expect(await readOut(answer.body)).toEqual({ text: "hello" });
  });
});

describe("what a backend leaves on its connection", () => {
  it.each([
    ["another answer", "GET", OK + EVIL, "ok"],
    ["the body of a 204", "GET", `${headOf("204 No Content", "Content-Length: 4")}evil`, ""],
    ["the body of a 304", "GET", `${headOf("304 Not Modified", "Content-Length: 4")}evil`, ""],
    [
      "chunks behind a 204",
      "GET",
      headOf("204 X", "Transfer-Encoding: chunked") + chunkOf(EVIL),
      "",
    ],
    ["a body that answers HEAD", "HEAD", OK + EVIL, ""],
  ])("is no part of the next answer: %s", async (_, method, left, text) => {
    const backend = await openBackend(({ socket }) => {
      if (backend.requests.length === 1) socket.write(left);
      else socket.write(OK);
    });
    const client = openClient();
    expect(await readToEnd(await client.call(callTo(backend, { method })))).toBe(text);
    expect(await readToEnd(await client.call(callTo(backend)))).toBe("ok");
    expect(backend.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it("of a request does not stand before the next one", async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.on("error", () => {});
      onTestFinished(() => void socket.destroy());
      // It answers, keeps the connection, and reads no more of the body.
      socket.once("data", () => {
        socket.pause();
        socket.write(`${headOf("413 Too Large", "Content-Length: 2")}no`);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const client = openClient();
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const long = callTo({ origin }, { method: "POST", body: Buffer.alloc(20_000_000) });
    for (const _ of [1, 2, 3]) {
      const answer = await client.call(long);
      expect([answer.status, await readToEnd(answer)]).toEqual([413, "no"]);
    }
    expect(connections).toBe(3);
  });
});
