import { describe, expect, it } from "vitest";
import { UsageReader } from "../../../shared/usage/index.ts";
import { amazonFrame, invokeFrame } from "./amazon-frames.ts";
import { CHAT, CHAT_STREAM, delta, event } from "./recorded-shapes.ts";

const JSON_TYPE = "application/json";
const SSE = "text/event-stream";

async function reasonsOf(type: string, chunks: readonly (string | Uint8Array)[]) {
  const reader = new UsageReader([["content-type", type]]);
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return (await reader.end(true)).finishReasons;
}

describe("why an answer ended", () => {
  it.each([
    [
      "a completion of two parts",
      { choices: [{ finish_reason: "stop" }, { finish_reason: "length" }] },
      ["stop", "length"],
    ],
    ["a message", { type: "message", stop_reason: "end_turn", usage: {} }, ["end_turn"]],
    ["Gemini's content", { candidates: [{ finishReason: "MAX_TOKENS" }] }, ["MAX_TOKENS"]],
    ["Gemini's list", [{ candidates: [{}] }, { candidates: [{ finishReason: "STOP" }] }], ["STOP"]],
    ["a conversation", { output: {}, stopReason: "tool_use" }, ["tool_use"]],
    ["a failed response", { object: "response", status: "failed", output: [] }, ["failed"]],
    [
      "a response that wants its tools run",
      {
        ...{ object: "response", status: "completed" },
        output: [{ type: "message" }, { type: "custom_tool_call" }],
      },
      ["tool_calls"],
    ],
    [
      "a response whose tools its provider ran",
      { object: "response", status: "completed", output: [{ type: "web_search_call" }] },
      ["completed"],
    ],
    ["a response in the background", { object: "response", status: "queued" }, undefined],
    ["what is like a response", { object: "batch", status: "completed" }, undefined],
    ["an embedding", { data: [] }, undefined],
    [
      "what is no word",
      { choices: [{ finish_reason: "they said: stop" }, { finish_reason: 7 }] },
      undefined,
    ],
    ["a name in another place", { choices: [{ message: { finish_reason: "stop" } }] }, undefined],
  ])("is said by a document: %s", async (_, value, reasons) => {
    expect(await reasonsOf(JSON_TYPE, [JSON.stringify(value)])).toEqual(reasons);
  });

  it("is said by the last events of a stream, however they come", async () => {
    const events = CHAT_STREAM.split(/(?<=\n\n)/);
    for (const chunks of [[CHAT_STREAM], events, [...CHAT_STREAM]]) {
      expect(await reasonsOf(SSE, chunks)).toEqual(["stop"]);
    }
    const many = [...Array<string>(500).fill(event(delta("word "))), ...events.slice(-3)];
    expect(await reasonsOf(SSE, many)).toEqual(["stop"]);
    for (let count = 60; count < 70; count++) {
      expect(await reasonsOf(SSE, many.slice(-count))).toEqual(["stop"]);
    }
  });

  it("is said of each part, and of messages", async () => {
    const ended = (index: number, reason: string) =>
      event({ ...CHAT, choices: [{ index, delta: {}, finish_reason: reason }] });
    const two = [
      event(delta("x")),
      ended(0, "stop"),
      ended(1, "content_filter"),
      "data: [DONE]\n\n",
    ];
    expect(await reasonsOf(SSE, two)).toEqual(["stop", "content_filter"]);
    const stop = { type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: {} };
    expect(await reasonsOf(SSE, [event(stop), event({ type: "message_stop" })])).toEqual([
      "max_tokens",
    ]);
  });

  it("is that a response failed, where its last event tells nothing else", async () => {
    const failed = { type: "response.failed", response: { status: "failed", usage: null } };
    const begun = event({ type: "response.created", response: { object: "response", model: "m" } });
    const said = event({ type: "response.output_text.delta", delta: JSON.stringify(failed) });
    expect(await reasonsOf(SSE, [begun, said.repeat(9), event(failed)])).toEqual(["failed"]);
    expect(await reasonsOf(SSE, [begun, said.repeat(9)])).toBeUndefined();
  });

  it("is not what the answer says about endings", async () => {
    const said = event(delta('{"finish_reason":"stop"}'));
    expect(await reasonsOf(SSE, [said, "data: [DONE]\n\n"])).toBeUndefined();
  });

  it("is said by binary streams", async () => {
    const type = "application/vnd.amazon.eventstream";
    const frames = [
      amazonFrame("messageStop", { stopReason: "end_turn" }),
      amazonFrame("metadata", {}),
    ];
    expect(await reasonsOf(type, frames)).toEqual(["end_turn"]);
    const claude = invokeFrame({ type: "message_delta", delta: { stop_reason: "end_turn" } });
    expect(await reasonsOf(type, [claude])).toEqual(["end_turn"]);
  });
});
