import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { eventually } from "../support/eventually.ts";
import { startStack, type TestStack } from "../support/stack.ts";

interface Answer {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const JSON_TYPE = { "content-type": "application/json" };
const SSE = { "content-type": "text/event-stream" };
const event = (value: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(value)}\n\n`;
const chatUsage = { prompt_tokens: 14, completion_tokens: 55, total_tokens: 69 };
const completion = (model: string): string =>
  JSON.stringify({ model, choices: [{ message: { content: "hi" } }], usage: chatUsage }, null, 2);

const chatStream = (model: string): string => {
  const chunk = { model, object: "chat.completion.chunk" };
  const delta = { choices: [{ delta: { content: 'a "usage": {"total_tokens": 9}' } }] };
  const stop = { choices: [{ delta: {}, finish_reason: "stop" }] };
  return [
    event({ ...chunk, ...delta, usage: null }),
    event({ ...chunk, ...stop, usage: null }),
    event({ ...chunk, choices: [], usage: chatUsage }),
    "data: [DONE]\n\n",
  ].join("");
};

const messageStream = (model: string): string => {
  const usage = { input_tokens: 14, output_tokens: 1 };
  const text = { type: "text_delta", text: "hi" };
  return [
    event({ type: "message_start", message: { model, usage } }, "message_start"),
    event({ type: "content_block_delta", index: 0, delta: text }, "content_block_delta"),
    event({ type: "message_delta", delta: {}, usage: { output_tokens: 55 } }, "message_delta"),
    event({ type: "message_stop" }, "message_stop"),
  ].join("");
};

const ANSWERS: Readonly<Record<string, Answer>> = {
  v79: { headers: JSON_TYPE, body: Buffer.from(completion("v79")) },
  v80: { headers: SSE, body: Buffer.from(chatStream("v80")) },
  v81: { headers: SSE, body: Buffer.from(messageStream("v81")) },
  v83: {
    headers: { ...JSON_TYPE, TOKENPROCESSOR: "zzz" },
    body: Buffer.from(`${completion("v83").replaceAll("\n", "\r\n")}`),
  },
  zipped: {
    headers: { ...JSON_TYPE, "content-encoding": "gzip" },
    body: gzipSync(completion("zipped")),
  },
};

let backend: TestBackend;
let stack: TestStack;

beforeAll(async () => {
  backend = await startBackend(({ target }, response) => {
    const answer = ANSWERS[target.slice(1)];
    response.writeHead(answer ? 200 : 404, answer?.headers).end(answer?.body);
  });
  stack = await startStack({
    env: {
      Host1: `host=${backend.url};mode=direct;processor=zzz`,
      GATEWAY_SYNC_MODE: "direct",
      LOG_LEVEL: "Information",
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
});

/** What telemetry says of the request whose answer named this model. */
function recordOf(model: string): Record<string, unknown> | undefined {
  const line = stack
    .output()
    .split("\n")
    .find((text) => text.includes('"request.ended"') && text.includes(`"model":"${model}"`));
  if (line === undefined) return undefined;
  return JSON.parse(line.slice(line.indexOf("{"))) as Record<string, unknown>;
}

describe("the usage of an answer", () => {
  it.each([
    ["V79: a pretty-printed completion", "v79"],
    ["V80: a stream that tells it last", "v80"],
    ["V81: a stream of messages, which tells it in two parts", "v81"],
    ["V83: an answer for which an unknown parser is asked", "v83"],
    ["an answer that is compressed", "zipped"],
  ])("is told as the backend told it, and its bytes are the backend's: %s", async (_what, name) => {
    const response = await fetch(`${stack.url}/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: name, stream: true }),
    });
    expect(response.status).toBe(200);
    const text = name === "zipped" ? completion(name) : ANSWERS[name]?.body.toString();
    expect(await response.text()).toBe(text);
    await eventually(() => recordOf(name)).toMatchObject({
      status: 200,
      usage: "reported",
      tokens: { inputTokens: 14, outputTokens: 55, totalTokens: 69 },
    });
  });
});
