import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BackendFailure } from "../../../shared/backends/index.ts";
import { eventually } from "../../support/eventually.ts";
import {
  chunkOf,
  drip,
  headOf,
  LAST_CHUNK,
  type RawRequest,
  type RawScript,
} from "../../support/raw-backend.ts";
import { callTo, failureOf, openBackend, openClient, readOut } from "./client-world.ts";

const HEAD = headOf("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked");
const data = (value: unknown): string =>
  `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;
const chat = (delta: object, finish: string | null = null): string =>
  data({ object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] });
const typed = (type: string, more: object = {}): string =>
  `event: ${type}\n${data({ type, ...more })}`;

const ROLE = chat({ role: "assistant", content: "" });
const HELLO = chat({ content: "Hello" });
const STOP = chat({}, "stop");
const DONE = data("[DONE]");
const QUOTA = { error: { code: "insufficient_quota", message: "over" } };

/** A backend that streams these events and ends its body in order. */
const streaming =
  (...events: string[]): RawScript =>
  ({ socket }) =>
    void socket.write(HEAD + events.map(chunkOf).join("") + LAST_CHUNK);

/** A script that may wait until its answer is committed. */
type PacedScript = (request: RawRequest, committed: Promise<void>) => void | Promise<void>;

async function answered(script: PacedScript) {
  const committed = Promise.withResolvers<void>();
  const backend = await openBackend((request) => script(request, committed.promise));
  const answer = await openClient().call(callTo(backend));
  committed.resolve();
  return { backend, answer, ...(await readOut(answer.body)) };
}

describe("an event stream", () => {
  it.each([
    ["chat", [HELLO, STOP, DONE]],
    ["responses", [typed("response.output_text.delta"), typed("response.completed")]],
    ["messages", [typed("message_start"), typed("content_block_delta"), typed("message_stop")]],
    [undefined, [data({ hello: 1 })]],
  ])("shows in which protocol it speaks: %s", async (protocol, events) => {
    const { answer } = await answered(streaming(...events));
    expect(answer.protocol?.()).toBe(protocol);
  });
});

describe("an event stream that is whole", () => {
  it.each([
    ["chat with its sentinel", [ROLE, HELLO, STOP, DONE]],
    ["chat with a finish reason only", [ROLE, HELLO, STOP]],
    ["chat whose end lacks its blank line", [HELLO, "data: [DONE]"]],
    ["chat of several choices and usage", [HELLO, STOP, data({ choices: [], usage: {} }), DONE]],
    ["text completions", [data({ choices: [{ text: "a" }] }), DONE]],
    [
      "a response",
      [typed("response.created"), typed("response.output_text.delta"), typed("response.completed")],
    ],
    [
      "a response that was cut by its limit",
      [typed("response.output_text.delta"), typed("response.incomplete")],
    ],
    [
      "a response that failed late, as its own last word",
      [typed("response.output_text.delta"), typed("response.failed")],
    ],
    [
      "a message",
      [typed("message_start"), typed("ping"), typed("content_block_delta"), typed("message_stop")],
    ],
    ["a verdict on the request", [data({ error: { code: "content_filter", message: "no" } })]],
    ["a verdict behind what was said", [ROLE, HELLO, data({ error: { code: "content_filter" } })]],
    [
      "a verdict by its type",
      [typed("message_start"), typed("error", { error: { type: "invalid_request_error" } })],
    ],
    [
      "a verdict of a response",
      [
        typed("response.created"),
        typed("response.failed", { response: { error: { code: "invalid_prompt" } } }),
      ],
    ],
    [
      "a verdict in the provider's own words",
      [data({ error: { code: "x", innererror: { code: "ResponsibleAIPolicyViolation" } } })],
    ],
    ["events of no known protocol", [data("one"), data({ two: 2 })]],
    [
      "events with comments and malformed ones between",
      [": hi\n\n", data('{"broken'), "nonsense\n\n", data("x")],
    ],
    ["chat about errors", [chat({ content: '{"error": {"finish_reason": "no"}}' }), STOP, DONE]],
    ["a prompt that was blocked", [data({ promptFeedback: { blockReason: "SAFETY" } })]],
    ["a text that names an error's fields", [data({ text: 'an "error": yes', error: null })]],
  ])("passes to the letter: %s", async (_, events) => {
    const { answer, text, error } = await answered(streaming(...events));
    expect(error).toBeUndefined();
    expect([answer.status, text]).toEqual([200, events.join("")]);
  });

  it("passes byte by byte, with every kind of line end", async () => {
    const body = "\ufeff: c\r\n\r\ndata: \u00e4\r\rdata: b\n\n";
    const bytes = Buffer.from(body).toString("latin1");
    const { text, error } = await answered(async ({ socket }) => {
      await drip(socket, `${headOf("200 OK", "Content-Type: text/event-stream")}${bytes}`);
      socket.end();
    });
    expect([text, error]).toEqual([bytes, undefined]);
  });

  it("is whole with its last word, whatever the connection does then", async () => {
    const { text, error } = await answered(({ socket }) => {
      socket.end(HEAD + chunkOf(HELLO) + chunkOf(DONE));
    });
    expect([text, error]).toEqual([HELLO + DONE, undefined]);
  });
});

describe("an event stream is committed", () => {
  it.each([
    ["a comment", ": keep-alive\n\n", data("x")],
    ["an empty event", "data:\n\n", data("x")],
    ["a chunk that only says who speaks", ROLE, HELLO],
    ["a chunk without choices", data({ choices: [], prompt_filter_results: [] }), HELLO],
    [
      "the announcement of a response",
      typed("response.created") + typed("response.in_progress"),
      typed("response.output_item.added"),
    ],
    [
      "the announcement of a message",
      typed("message_start") + typed("content_block_start"),
      typed("content_block_delta"),
    ],
  ])("not by %s, which is delivered all the same", async (_, early, first) => {
    const go = Promise.withResolvers<void>();
    const backend = await openBackend(async ({ socket }) => {
      socket.write(HEAD + chunkOf(early));
      await go.promise;
      socket.write(chunkOf(first));
    });
    let isCommitted = false;
    const call = openClient()
      .call(callTo(backend))
      .finally(() => {
        isCommitted = true;
      });
    await eventually(() => backend.requests.length).toBe(1);
    for (let turns = 0; turns < 20; turns++) await turn();
    expect(isCommitted).toBe(false);
    go.resolve();
    const answer = await call;
    let text = "";
    for await (const chunk of answer.body) {
      text += Buffer.from(chunk).toString();
      if (text.length >= early.length + first.length) break;
    }
    expect(text).toBe(early + first);
    await eventually(() => backend.open.size).toBe(0);
  });

  it("by its size, when the preamble is longer than is held", async () => {
    const long = typed("response.created", { prompt: "x".repeat(70_000) });
    const backend = await openBackend(({ socket }) => void socket.write(HEAD + chunkOf(long)));
    const answer = await openClient().call(callTo(backend));
    expect(answer.status).toBe(200);
    answer.discard();
  });

  it.each([
    ["of another type", "Content-Type: application/json"],
    ["that is compressed", "Content-Type: text/event-stream\r\nContent-Encoding: gzip"],
  ])("but a body %s is not looked into", async (_, field) => {
    const head = headOf("200 OK", field, "Transfer-Encoding: chunked");
    const body = data(QUOTA);
    const { text, error } = await answered(
      ({ socket }) => void socket.write(head + chunkOf(body) + LAST_CHUNK),
    );
    expect([text, error]).toEqual([body, undefined]);
  });

  it("but an error speaks by its status", async () => {
    const head = headOf("429 Slow", "Content-Type: text/event-stream", "Content-Length: 0");
    const { answer } = await answered(({ socket }) => void socket.write(head));
    expect(answer.status).toBe(429);
  });
});

describe("an event stream that fails before it is committed can be asked for elsewhere", () => {
  it.each([
    ["it is empty", [], "truncated"],
    ["it holds comments only", [": a\n\n", ": b\n\n"], "truncated"],
    ["it ends after its preamble", [ROLE], "truncated"],
    [
      "it ends after its preamble, which came in parts",
      [data({ choices: [] }), ROLE, ROLE],
      "truncated",
    ],
    ["it fails after its preamble, which came in parts", [ROLE, ROLE, data(QUOTA)], "error-event"],
    ["it holds the sentinel only", [DONE], "truncated"],
    ["its first event is an error", [data(QUOTA)], "error-event"],
    ["its first event is named error", ["event: error\ndata: overloaded\n\n"], "error-event"],
    [
      "an error follows the preamble",
      [typed("response.created"), typed("error", { code: "x" })],
      "error-event",
    ],
    ["the response failed", [typed("response.created"), typed("response.failed")], "error-event"],
    [
      "a message is overloaded",
      [typed("message_start"), typed("ping"), typed("error", QUOTA)],
      "error-event",
    ],
    ["an error came with the first event", [HELLO + data(QUOTA)], "error-event"],
    [
      "an error only speaks of a filter",
      [data({ error: { code: "x", message: "content_filter" } })],
      "error-event",
    ],
    ["an error lacks its blank line", ["event: error\ndata: x"], "error-event"],
  ])("because %s", async (_, events, kind) => {
    const backend = await openBackend(streaming(...events));
    const failure = await failureOf(openClient().call(callTo(backend)));
    expect(failure).toBeInstanceOf(BackendFailure);
    expect(failure).toMatchObject({ kind, mayHaveBegun: true });
  });
});

describe("an event stream that fails after it was committed", () => {
  const later =
    (...rest: string[]): PacedScript =>
    async ({ socket }, committed) => {
      socket.write(HEAD + chunkOf(HELLO));
      await committed;
      socket.end(rest.join(""));
    };
  it.each([
    ["without its protocol's ending", later(LAST_CHUNK), HELLO, "truncated"],
    ["by a cut connection", later(chunkOf(STOP)), HELLO + STOP, "truncated"],
    ["within an event", later(chunkOf('data: {"cho')), `${HELLO}data: {"cho`, "truncated"],
    [
      "by an error event, behind which nothing passes",
      later(chunkOf(`${data(QUOTA)}${DONE}`), LAST_CHUNK),
      HELLO + data(QUOTA),
      "error-event",
    ],
    ["by broken chunks", later("zz\r\n"), HELLO, "protocol"],
  ])("breaks %s, and never ends well", async (_, script, text, kind) => {
    const outcome = await answered(script);
    expect(outcome.text).toBe(text);
    expect(outcome.error).toBeInstanceOf(BackendFailure);
    expect(outcome.error).toMatchObject({ kind });
    await eventually(() => outcome.backend.open.size).toBe(0);
  });

  it.each([
    ["a response", [typed("response.output_text.delta")]],
    ["a message", [typed("content_block_delta"), typed("message_delta")]],
  ])("breaks where %s lacks its last event", async (_, events) => {
    const { error } = await answered(streaming(...events));
    expect(error).toMatchObject({ kind: "truncated" });
  });

  it("fails as a whole where it was asked for whole", async () => {
    const backend = await openBackend(streaming(HELLO));
    const failure = await failureOf(openClient().call(callTo(backend, { whole: true })));
    expect(failure).toMatchObject({ kind: "truncated" });
  });
});
