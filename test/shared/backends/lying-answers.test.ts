import { describe, expect, it } from "vitest";
import type { BackendCall } from "../../../shared/backends/index.ts";
import { eventually } from "../../support/eventually.ts";
import { chunkOf, headOf, LAST_CHUNK, type RawScript, sent } from "../../support/raw-backend.ts";
import { callTo, failureOf, openBackend, openClient, readOut } from "./client-world.ts";

const JSON_TYPE = "Content-Type: application/json";
const CHUNKED = "Transfer-Encoding: chunked";
const MODEL: Partial<BackendCall> = { method: "POST", wholeBytes: 1000, asksModel: () => true };

const writes =
  (text: string): RawScript =>
  ({ socket }) =>
    void socket.write(text);
const inChunks = (text: string, ...fields: string[]): string =>
  headOf("200 OK", CHUNKED, ...fields) + (text === "" ? "" : chunkOf(text)) + LAST_CHUNK;
const withLength = (text: string, ...fields: string[]): string =>
  headOf("200 OK", `Content-Length: ${text.length}`, ...fields) + text;

async function ask(script: RawScript, change: Partial<BackendCall> = {}) {
  return openClient().call(callTo(await openBackend(script), change));
}

describe("JSON that is cut, and framed as if it were whole", () => {
  const half = '{"choices":[{"message":{"content":"a"}}';
  it.each([
    ["a length", withLength(half, JSON_TYPE)],
    ["chunks", inChunks(half, JSON_TYPE)],
    ["chunks, and growing as a list", inChunks('[{"a":1},', JSON_TYPE)],
  ])("is broken off where it ends, with %s", async (_, text) => {
    const { body } = await ask(writes(text));
    const streamed = await readOut(body);
    expect(streamed.text).not.toBe("");
    expect(streamed.error).toMatchObject({ kind: "truncated", mayHaveBegun: true });
    const failure = await failureOf(ask(writes(text), { whole: true }));
    expect(failure).toMatchObject({ kind: "truncated" });
  });

  it.each([
    ["is no JSON but in name", withLength('it "has', JSON_TYPE), 'it "has'],
    [
      "is a part that was asked for",
      withLength('{"a', JSON_TYPE).replace("200 OK", "206 X"),
      '{"a',
    ],
    ["is in another character set", withLength('{"a', `${JSON_TYPE}; charset=utf-16`), '{"a'],
    ["is an error's", withLength('{"a', JSON_TYPE).replace("200 OK", "400 X"), '{"a'],
    ["holds several texts", withLength('{"a":1}\n{"b":2}', JSON_TYPE), '{"a":1}\n{"b":2}'],
  ])("is another matter where it %s", async (_, text, body) => {
    expect(await readOut((await ask(writes(text))).body)).toEqual({ text: body });
  });
});

describe("a success that is none, of a model", () => {
  it.each([
    ["has no byte, by its length", withLength("", JSON_TYPE)],
    ["has no byte, in chunks", inChunks("", JSON_TYPE)],
    ["has no byte, and no type", withLength("")],
    ["has no byte but trailers", `${headOf("200 OK", CHUNKED)}0\r\nX-Sum: 1\r\n\r\n`],
    ["has no content", headOf("204 No Content")],
  ])("is broken off when it %s", async (_, text) => {
    const failure = await failureOf(ask(writes(text), MODEL));
    expect(failure).toMatchObject({ kind: "truncated", mayHaveBegun: true });
    const { body } = await ask(writes(text), { ...MODEL, asksModel: () => false });
    expect(await readOut(body)).toEqual({ text: "" });
  });

  it.each([
    '{"error":{"message":"out of memory","code":500}}',
    ' {"error": "overloaded"}',
    '{"type":"error","error":{"type":"overloaded_error","message":"x"}}',
  ])("is an error when it says %s", async (text) => {
    for (const change of [MODEL, { ...MODEL, wholeBytes: 0, whole: true }]) {
      const failure = await failureOf(ask(writes(inChunks(text, JSON_TYPE)), change));
      expect(failure).toMatchObject({ kind: "error-event", mayHaveBegun: true });
    }
    const { body } = await ask(writes(inChunks(text, JSON_TYPE)), { wholeBytes: 1000 });
    expect(await readOut(body)).toEqual({ text });
  });

  it("is an answer when it is a verdict on the request", async () => {
    const text = '{"error":{"code":"content_filter","message":"no"}}';
    const answer = await ask(writes(inChunks(text, JSON_TYPE)), MODEL);
    expect(answer).toMatchObject({ status: 200, refusal: text });
    expect(await readOut(answer.body)).toEqual({ text });
  });

  it.each(['{"error":null,"output":[]}', '{"id":"r","error":{"code":"server_error"}}'])(
    "is an answer when it is one that tells of an error besides: %s",
    async (text) => {
      const answer = await ask(writes(inChunks(text, JSON_TYPE)), MODEL);
      expect(answer.refusal).toBeUndefined();
      expect(await readOut(answer.body)).toEqual({ text });
    },
  );
});

describe("an answer that cannot be trusted", () => {
  it.each([
    ["a length before chunks", headOf("200 OK", "Content-Length: 3", CHUNKED) + chunkOf("hello")],
    ["a length behind chunks", headOf("200 OK", CHUNKED, "Content-Length: 3") + chunkOf("hello")],
    ["two lengths that are the same", headOf("200 OK", "Content-Length: 2", "Content-Length: 2")],
    ["a list of lengths", headOf("200 OK", "Content-Length: 2, 2")],
    ["a length with a sign", headOf("200 OK", "Content-Length: +2")],
    ["a length beyond all numbers", headOf("200 OK", `Content-Length: ${"9".repeat(20)}`)],
    ["a size of a chunk beyond all numbers", `${headOf("200 OK", CHUNKED)}${"f".repeat(17)}\r\n`],
    ["a field of a megabyte", headOf("200 OK", `X: ${"x".repeat(1_000_000)}`)],
    ["a field with a zero byte", headOf("200 OK", "X: a\0b")],
    ["a field that goes on in another line", headOf("200 OK", "X: a\r\n b")],
    ["lines that end in line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
    ["a status that is no number", "HTTP/1.1 abc OK\r\n\r\n"],
    ["no status", "ok\n"],
  ])("for it has %s is none", async (_, text) => {
    const backend = await openBackend(({ socket }) => void socket.write(`${text}ok`));
    const failure = await failureOf(openClient().call(callTo(backend)));
    expect(failure).toMatchObject({ kind: "protocol", mayHaveBegun: true });
    await eventually(() => backend.open.size).toBe(0);
  });

  it.each<[string, string, string]>([
    ["interim answers", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(50)],
    ["one chunk's extension", `${headOf("200 OK", CHUNKED)}2;`, "a".repeat(4096)],
  ])("for it has %s without end is given up in time", async (_, begin, more) => {
    const backend = await openBackend(async ({ socket }) => {
      socket.write(begin);
      while (!socket.destroyed) await sent(socket, more);
    });
    const limits = { firstByteMs: 100, idleMs: 100 };
    const failure = await failureOf(openClient({ limits }).call(callTo(backend)));
    expect(failure.kind).toMatch(/^(first-byte|idle)-timeout$/);
    await eventually(() => backend.open.size).toBe(0);
  });

  it("for its trailers have no end is broken off", async () => {
    const { body } = await ask(async ({ socket }) => {
      socket.write(`${headOf("200 OK", CHUNKED)}${chunkOf("ok")}0\r\n`);
      while (!socket.destroyed) await sent(socket, `X-Endless: ${"x".repeat(1000)}\r\n`);
    });
    expect(await readOut(body)).toMatchObject({ text: "ok", error: { kind: "protocol" } });
  });
});
