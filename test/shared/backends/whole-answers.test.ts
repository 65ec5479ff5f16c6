import { describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { chunkOf, headOf, LAST_CHUNK, sent } from "../../support/raw-backend.ts";
import { callTo, failureOf, openBackend, openClient, readOut } from "./client-world.ts";

const JSON_TYPE = "Content-Type: application/json; charset=utf-8";
const chunked = headOf("200 OK", JSON_TYPE, "Transfer-Encoding: chunked");
const LIMIT = { wholeBytes: 16 };

describe("a JSON object up to the limit", () => {
  it.each([
    ["a length", `${headOf("200 OK", JSON_TYPE, "Content-Length: 9")}{"a":`],
    ["chunks", `${chunked}${chunkOf('{"a":')}`],
  ])("that breaks off, with %s, has committed to nothing", async (_, text) => {
    const backend = await openBackend(({ socket }) => void socket.end(text));
    const failure = await failureOf(openClient().call(callTo(backend, LIMIT)));
    expect(failure).toMatchObject({ kind: "truncated", mayHaveBegun: true });
    await eventually(() => backend.open.size).toBe(0);
  });

  it("says when it began, and comes when it is whole", async () => {
    const rest = Promise.withResolvers<void>();
    const backend = await openBackend(async ({ socket }) => {
      await sent(socket, `${chunked}${chunkOf('{"a":')}`);
      await rest.promise;
      await sent(socket, `${chunkOf("1}")}${LAST_CHUNK}`);
    });
    const began = Promise.withResolvers<void>();
    let isThere = false;
    const calling = openClient()
      .call(callTo(backend, { ...LIMIT, onBegun: () => began.resolve() }))
      .finally(() => {
        isThere = true;
      });
    await began.promise;
    expect(isThere).toBe(false);
    rest.resolve();
    expect(await readOut((await calling).body)).toEqual({ text: '{"a":1}' });
  });

  it("that falls silent is silent, and has committed to nothing", async () => {
    const backend = await openBackend(
      ({ socket }) => void socket.write(`${chunked}${chunkOf('{"a":')}`),
    );
    const client = openClient({ limits: { idleMs: 20 } });
    const failure = await failureOf(client.call(callTo(backend, LIMIT)));
    expect(failure).toMatchObject({ kind: "idle-timeout" });
    await eventually(() => backend.open.size).toBe(0);
  });
});

describe("whatever has a length up to the limit", () => {
  it.each(["text/plain", "application/octet-stream", "application/json"])(
    "and breaks off has committed to nothing: %s",
    async (type) => {
      const head = headOf("200 OK", `Content-Type: ${type}`, "Content-Length: 16");
      const backend = await openBackend(({ socket }) => void socket.end(`${head}[half`));
      const failure = await failureOf(openClient().call(callTo(backend, LIMIT)));
      expect(failure).toMatchObject({ kind: "truncated", mayHaveBegun: true });
      await eventually(() => backend.open.size).toBe(0);
    },
  );

  it.each([
    ["of text", ["Content-Type: text/plain", "Content-Length: 5"], "whole"],
    ["without a type", ["Content-Length: 5"], "whole"],
    ["without a byte", ["Content-Length: 0"], ""],
  ])("comes whole: %s", async (_, fields, text) => {
    const backend = await openBackend(
      ({ socket }) => void socket.write(headOf("200 OK", ...fields) + text),
    );
    const { body, whole } = await openClient().call(callTo(backend, LIMIT));
    expect(whole && Buffer.from(whole).toString()).toBe(text || undefined);
    expect(await readOut(body)).toEqual({ text });
  });
});

describe("what is streamed all the same", () => {
  const typed = (type: string, ...fields: string[]) =>
    headOf("200 OK", `Content-Type: ${type}`, "Transfer-Encoding: chunked", ...fields);
  it.each([
    ["an object of a greater length", headOf("200 OK", JSON_TYPE, "Content-Length: 17"), '{"a":"'],
    ["an object that grows beyond it", chunked, chunkOf(`{"a":"${"x".repeat(20)}`)],
    ["a text of a greater length", headOf("200 OK", "Content-Length: 17"), "half"],
    ["an array", chunked, chunkOf("[{")],
    ["another type", typed("text/plain"), chunkOf("{")],
    ["JSON lines", typed("application/json-seq"), chunkOf("{")],
    ["an error", headOf("500 No", JSON_TYPE, "Transfer-Encoding: chunked"), chunkOf("{")],
  ])("%s comes as it does, and breaks where it does", async (_, head, text) => {
    const breaking = Promise.withResolvers<void>();
    const backend = await openBackend(async ({ socket }) => {
      await sent(socket, head + text);
      await breaking.promise;
      socket.end();
    });
    const answer = await openClient().call(callTo(backend, LIMIT));
    breaking.resolve();
    const { text: got, error } = await readOut(answer.body);
    expect(got).not.toBe("");
    expect(text).toContain(got);
    expect(error).toMatchObject({ kind: "truncated" });
    await eventually(() => backend.open.size).toBe(0);
  });

  it("lets go of the backend when it is given up, begun or not", async () => {
    const backend = await openBackend(
      ({ socket }) => void socket.write(chunked + chunkOf(`{"a":"${"x".repeat(20)}`)),
    );
    const client = openClient();
    (await client.call(callTo(backend, LIMIT))).discard();
    await eventually(() => backend.open.size).toBe(0);
    const { body, discard } = await client.call(callTo(backend, LIMIT));
    const reading = body[Symbol.asyncIterator]();
    await reading.next();
    discard();
    await reading.next().catch(() => {});
    await eventually(() => backend.open.size).toBe(0);
  });
});

describe("JSON that ends with nothing but its connection", () => {
  const head = headOf("200 OK", "Content-Type: application/json");
  const backendWith = (text: string) => openBackend(({ socket }) => void socket.end(head + text));

  it("is whole where it closes all that it opened", async () => {
    const text = '{"a":["\\"}"]}';
    const answer = await openClient().call(callTo(await backendWith(text)));
    expect(await readOut(answer.body)).toEqual({ text });
  });

  it.each(['{"a":"}"', '{"a":"', '[{"a":1}', '{"a":"\\"}'])("is broken off in %s", async (text) => {
    const backend = await backendWith(text);
    const streamed = await readOut((await openClient().call(callTo(backend))).body);
    expect(streamed).toMatchObject({ text, error: { kind: "truncated" } });
    const failure = await failureOf(openClient().call(callTo(backend, { whole: true })));
    expect(failure).toMatchObject({ kind: "truncated", mayHaveBegun: true });
  });
});
