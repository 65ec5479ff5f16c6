import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Event, eventsOf, written } from "../shared/backends/event-tellings.ts";
import { messageEvents } from "../shared/backends/messages-telling.ts";
import { responseEvents } from "../shared/backends/responses-telling.ts";
import { eventually } from "../support/eventually.ts";
import {
  chunkOf,
  headOf,
  LAST_CHUNK,
  type RawBackend,
  startRawBackend,
} from "../support/raw-backend.ts";
import { connectTo, requestFor } from "../support/raw-client.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const SSE = headOf("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked");
const say = (content: string, id: string): string =>
  `data: ${JSON.stringify({ id, choices: [{ index: 0, delta: { content } }] })}\n\n`;

/** By their paths, streams of other protocols, as a backend of that name tells them. */
const TOLD: Readonly<Record<string, (name: string) => Event[]>> = {
  "/v1/responses": (name) =>
    responseEvents({ name, parts: [["tool", "The answer is {}"]], pieces: [10] }),
  "/v1/messages": (name) =>
    messageEvents({ name, parts: [["text", "The answer is 42."]], pieces: [10] }),
};
const toldAt = (head: string) => TOLD[head.split(" ")[1] ?? ""];

let first: RawBackend;
let second: RawBackend;
let stack: TestStack;
let delivered: PromiseWithResolvers<void>;

beforeAll(async () => {
  first = await startRawBackend(async ({ socket, head }) => {
    const events = toldAt(head)?.("one");
    const until = events?.findIndex((event) => JSON.stringify(event).includes("The answer"));
    const begun = events ? written(events.slice(0, (until ?? 0) + 1)) : say("The answer", "one");
    socket.write(SSE + chunkOf(begun));
    await delivered.promise;
    socket.resetAndDestroy();
  });
  second = await startRawBackend(({ socket, head }) => {
    const events = toldAt(head)?.("other");
    if (events) {
      socket.write(SSE + chunkOf(written(events)) + LAST_CHUNK);
      return;
    }
    const text = head.includes("/other") ? "Another answer" : "The answer is 42.";
    const done = 'data: {"id":"two","choices":[],"usage":{"total_tokens":5}}\n\ndata: [DONE]\n\n';
    socket.write(SSE + chunkOf(say(text, "two")) + chunkOf(done) + LAST_CHUNK);
  });
  stack = await startStack({
    env: {
      GATEWAY_SYNC_MODE: "direct",
      Host1: `host=${first.origin};mode=direct;midstream=verify`,
      Host2: `host=${second.origin};mode=direct;tier=2`,
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await first?.[Symbol.asyncDispose]();
  await second?.[Symbol.asyncDispose]();
});

/** Everything that comes when the first backend is cut behind its first event. */
async function ask(target: string): Promise<string> {
  delivered = Promise.withResolvers();
  using client = await connectTo(stack.url);
  client.send(requestFor(target, "Connection: close"));
  await client.until(/The answer/);
  delivered.resolve();
  return await client.closed();
}

describe("midstream=verify, with a backend that is cut within its stream", () => {
  it("continues where another says the same", async () => {
    const got = await ask("/same");
    expect(got).toContain(say(" is 42.", "one"));
    expect(got).toMatch(/\[DONE\]\n\n\r\n0\r\n\r\n$/);
    expect(got).not.toContain("two");
    expect(got).not.toContain("event: error");
    await eventually(() => first.open.size).toBe(0);
  });

  it.each([
    ["/v1/responses", ["resp_one", "tool_one_0", "call_one_0"]],
    ["/v1/messages", ["msg_one"]],
  ])("continues %s under the names of the first", async (target, names) => {
    const got = await ask(target);
    const [, chunks] = /\r\n\r\n(.*)\r\n0\r\n\r\n$/s.exec(got) ?? [];
    const body = (chunks ?? "").replaceAll(/(?:^|\r\n)[\da-f]+\r\n/g, "");
    const events = eventsOf(Buffer.from(body));
    const told = TOLD[target]?.("one") ?? [];
    expect(events.map(({ type }) => type)).toEqual(told.map(({ type }) => type));
    for (const name of names) expect(body).toContain(name);
    expect(body).not.toMatch(/(?:resp|tool|call|msg)_other/);
  });

  it("breaks with a clear error where it does not", async () => {
    const got = await ask("/other");
    expect(got).toMatch(/event: error\ndata: \{.*"code":"backend-failed".*\}\n\n/);
    expect(got).not.toContain("Another");
    expect(got).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(second.requests).toHaveLength(4);
  });
});
