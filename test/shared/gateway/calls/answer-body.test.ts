import OpenAI from "openai";
import { describe, expect, it, vi } from "vitest";
import { type BackendAnswer, BackendFailure } from "../../../../shared/backends/index.ts";
import { GatewayError } from "../../../../shared/core/errors.ts";
import type { SseEvent } from "../../../../shared/core/sse-event.ts";
import { SseParser } from "../../../../shared/core/sse-parser.ts";
import { answerBody } from "../../../../shared/gateway/calls/answer-body.ts";
import { listenerCount } from "../../../support/listener-count.ts";
import { bodyOf } from "../../../support/streams.ts";

const STREAM = [["Content-Type", "text/event-stream; charset=utf-8"]] as const;

async function* breaking(text: string, error: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  throw error;
}

function open(change: Partial<BackendAnswer> = {}, method = "GET") {
  const discard = vi.fn();
  const onEnd = vi.fn();
  const closed = new AbortController();
  const answer = { status: 200, headers: STREAM, body: bodyOf("ok"), discard, ...change };
  const body = answerBody(answer, { method, closed: closed.signal, onEnd });
  return { body: body as AsyncGenerator<Uint8Array>, closed, discard, onEnd };
}

/** What a reader gets before the body ends or throws. */
async function read(body: AsyncIterable<Uint8Array>) {
  let text = "";
  const events: SseEvent[] = [];
  const parser = new SseParser({ onEvent: (event) => void events.push(event) });
  const take = async (): Promise<void> => {
    for await (const chunk of body) {
      text += Buffer.from(chunk).toString();
      parser.push(chunk);
    }
  };
  const error: unknown = await take().catch((thrown: unknown) => thrown);
  return { text, events, error };
}

const failure = (kind: BackendFailure["kind"]): BackendFailure =>
  new BackendFailure(kind, "socket of backend-1.test", { mayHaveBegun: true });

describe("the body of an answer", () => {
  it("passes chunk by chunk, not copied, and ends once", async () => {
    const chunk = Buffer.from("data: a\n\n");
    const { body, closed, onEnd, discard } = open({ body: bodyOf(chunk) });
    const first = await body.next();
    expect(first.value).toBe(chunk);
    expect(await body.next()).toEqual({ done: true, value: undefined });
    expect(await body.next()).toEqual({ done: true, value: undefined });
    expect(onEnd.mock.calls).toEqual([[undefined]]);
    expect([discard.mock.calls.length, listenerCount(closed.signal)]).toEqual([0, 0]);
  });

  it.each([
    ["truncated", "backend-failed", 502],
    ["idle-timeout", "backend-timeout", 408],
    ["total-timeout", "backend-timeout", 408],
    ["error-event", "backend-failed", 502],
    ["protocol", "backend-failed", 502],
  ] as const)(
    "that breaks (%s) says so in an event of its own, and then throws",
    async (kind, code, status) => {
      const broken = failure(kind);
      const { body, onEnd } = open({ body: breaking('data: {"a":1}\n\ndata: {"ha', broken) });
      const { events, error, text } = await read(body);
      expect(error).toBe(broken);
      expect(onEnd.mock.calls).toEqual([[broken]]);
      const last = events.at(-1);
      expect(last?.event).toBe("error");
      const problem = JSON.parse(last?.data ?? "");
      expect(problem).toMatchObject({
        type: `urn:simplel7proxy:error:${code}`,
        code,
        status,
        error: { code, message: problem.detail },
      });
      // What was half said is an event of its own, so that the last one can be read.
      expect(events.map(({ data }) => data).slice(0, 2)).toEqual(['{"a":1}', '{"ha']);
      expect(text).not.toContain("backend-1.test");
    },
  );

  it.each([
    [
      "responses",
      "truncated",
      { type: "error", code: "backend-failed", param: null },
      "gateway_error",
    ],
    ["messages", "truncated", { type: "error", code: "backend-failed" }, "api_error"],
    ["messages", "idle-timeout", { type: "error", code: "backend-timeout" }, "timeout_error"],
    ["chat", "truncated", { type: "urn:simplel7proxy:error:backend-failed" }, "gateway_error"],
  ] as const)("says so in the words of its protocol (%s, %s)", async (spoken, kind, own, type) => {
    const body = breaking('data: {"a":1}\n\n', failure(kind));
    const { events } = await read(open({ body, protocol: () => spoken }).body);
    const told = JSON.parse(events.at(-1)?.data ?? "");
    expect(told).toMatchObject({ ...own, error: { type, code: told.code, message: told.detail } });
    if (spoken === "responses") expect(told.message).toBe(told.detail);
  });

  it("is an error to the client of its provider, with the reason", async () => {
    const begun = 'event: response.created\ndata: {"type":"response.created","response":{}}\n\n';
    const { body } = open({
      body: breaking(begun, failure("truncated")),
      protocol: () => "responses",
    });
    const fetch = async () =>
      new Response(ReadableStream.from(body), { headers: { "content-type": "text/event-stream" } });
    const client = new OpenAI({ apiKey: "key", baseURL: "http://model.test/v1", fetch });
    const stream = await client.responses.create({ model: "m", input: "Hi", stream: true });
    const types: string[] = [];
    const reading = (async () => {
      for await (const { type } of stream) types.push(type);
    })();
    await expect(reading).rejects.toThrow("The backend's stream broke off before its end.");
    expect(types).toEqual(["response.created"]);
  });

  it("that is broken off by the gateway tells the gateway's reason", async () => {
    const stopped = new GatewayError("shutting-down", "The gateway is shutting down.");
    const { events, error } = await read(open({ body: breaking("data: a\n\n", stopped) }).body);
    expect(error).toBe(stopped);
    expect(JSON.parse(events.at(-1)?.data ?? "")).toMatchObject({ code: "shutting-down" });
  });

  it.each([
    ["is no event stream", { headers: [["content-type", "application/json"]] }],
    ["is compressed", { headers: [...STREAM, ["Content-Encoding", "br"]] }],
    ["has a length", { headers: [...STREAM, ["Content-Length", "100"]] }],
    ["is an error", { status: 503 }],
  ] as const)("only throws where the answer %s", async (_, change) => {
    const broken = failure("truncated");
    const { text, error } = await read(open({ ...change, body: breaking("a", broken) }).body);
    expect([text, error]).toEqual(["a", broken]);
  });

  it("says nothing to a reader who has left", async () => {
    const { body, closed, onEnd, discard } = open({
      body: breaking("data: a\n\n", failure("truncated")),
    });
    await body.next();
    closed.abort(new Error("client left"));
    expect(discard).toHaveBeenCalledTimes(1);
    expect(onEnd.mock.calls).toEqual([[undefined]]);
    expect(await read(body)).toMatchObject({ text: "", error: { kind: "truncated" } });
  });

  it("is given up when it is returned before it was read", async () => {
    const { body, onEnd, discard, closed } = open();
    await body.return(undefined);
    await body.return(undefined);
    expect([discard.mock.calls.length, onEnd.mock.calls.length]).toEqual([1, 1]);
    expect(listenerCount(closed.signal)).toBe(0);
  });

  it.each([
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 205],
    ["GET", 304],
  ])("of a %s answered %d is absent", (method, status) => {
    const { body, onEnd, discard } = open({ status }, method);
    expect(body).toBeUndefined();
    expect([discard.mock.calls.length, onEnd.mock.calls.length]).toEqual([1, 1]);
  });
});
