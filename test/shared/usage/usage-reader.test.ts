import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageReader } from "../../../shared/usage/index.ts";

const JSON_TYPE = [["content-type", "application/json; charset=utf-8"]] as const;
const SSE_TYPE = [["Content-Type", "text/event-stream"]] as const;

function read(headers: readonly (readonly [string, string])[], ...chunks: string[]) {
  const reader = new UsageReader(headers);
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return reader.totalTokens;
}
const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

const STREAM = [
  data({ choices: [{ delta: { content: 'the word "usage": {"total_tokens": 9}' } }], usage: null }),
  data({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }),
  "data: [DONE]\n\n",
].join("");

describe("the usage of an answer", () => {
  it.each([
    ["chat", { usage: { prompt_tokens: 14, completion_tokens: 55, total_tokens: 69 } }, 69],
    ["response", { usage: { input_tokens: 10, output_tokens: 5 } }, 15],
    ["embedding", { usage: { prompt_tokens: 8 } }, 8],
    ["answer that used nothing", { usage: { total_tokens: 0 } }, 0],
    ["answer that does not say", { choices: [] }, undefined],
    ["answer that says null", { usage: null }, undefined],
  ])("is read from the JSON of a %s, pretty or not", (_what, value, total) => {
    expect(read(JSON_TYPE, JSON.stringify(value))).toBe(total);
    expect(read(JSON_TYPE, JSON.stringify(value, undefined, 2))).toBe(total);
  });

  it("is the last one that a stream reports, however the stream is cut", () => {
    const bytes = Buffer.from(STREAM);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.byteLength)), (cuts) => {
        const reader = new UsageReader(SSE_TYPE);
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.byteLength];
        for (let i = 0; i + 1 < at.length; i++) reader.read(bytes.subarray(at[i], at[i + 1]));
        expect(reader.totalTokens).toBe(7);
      }),
    );
  });

  it("is found inside the events of the Responses API", () => {
    const completed = { type: "response.completed", response: { usage: { total_tokens: 12 } } };
    expect(read(SSE_TYPE, `event: response.completed\n${data(completed)}`)).toBe(12);
  });

  it.each([
    ["no JSON", JSON_TYPE, "<html>"],
    ["JSON that is no object", JSON_TYPE, "[1]"],
    [
      "text that only speaks of it",
      [["content-type", "text/plain"]] as const,
      '{"usage":{"total_tokens":1}}',
    ],
    [
      "what is compressed",
      [...JSON_TYPE, ["content-encoding", "gzip"]] as const,
      '{"usage":{"total_tokens":1}}',
    ],
    ["an event that is cut short", SSE_TYPE, 'data: {"usage":{"total_tokens":'],
  ])("is unknown for %s", (_what, headers, text) => {
    expect(read(headers, text)).toBeUndefined();
  });
});
