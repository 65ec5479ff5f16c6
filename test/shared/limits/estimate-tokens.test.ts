import { describe, expect, it } from "vitest";
import { estimateTokens } from "../../../shared/limits/estimate-tokens.ts";
import { PromptMeter } from "../../../shared/limits/prompt-meter.ts";

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const picture = (sizeBytes: number): string =>
  Buffer.alloc(sizeBytes, "any bytes?").toString("base64");

describe("the estimate of a request's tokens", () => {
  it.each([
    [{ max_tokens: 100, messages: [] }, 100],
    [{ max_completion_tokens: 70, max_tokens: 10, messages: [] }, 70],
    [{ max_output_tokens: 30, input: "x" }, 30],
    [{ messages: [] }, 1024],
    [{ input: "an embedding has no output" }, 0],
  ])("adds the answer's bound to the prompt of %j", (request, outputTokens) => {
    const body = bytes(request);
    const prompt = Math.ceil(body.byteLength / 4);
    expect(estimateTokens(body)).toEqual({ prompt, total: prompt + outputTokens });
  });

  it("is nothing for no body, and the size alone for what is no JSON", () => {
    expect(estimateTokens(undefined)).toEqual({ prompt: 0, total: 0 });
    expect(estimateTokens(Buffer.from("x".repeat(40)))).toEqual({ prompt: 10, total: 10 });
  });

  it.each([
    ["OpenAI's", { image_url: { url: `data:image/png;base64,${picture(300_000)}` } }],
    ["Anthropic's", { source: { type: "base64", data: picture(300_000) } }],
    ["Gemini's", { inlineData: { mimeType: "image/png", data: picture(300_000) } }],
  ])("takes a picture in %s form for one, not for its bytes", (_, content) => {
    const text = "What do you see here? ".repeat(200);
    const { prompt } = estimateTokens(bytes({ input: [{ text }, content, content] }));
    const expected = text.length / 4 + 2000;
    expect(prompt).toBeGreaterThan(expected - 600);
    expect(prompt).toBeLessThan(expected + 600);
  });

  it("takes text for text, whatever it is written in", () => {
    for (const text of ["two words ", "https://a.example/b-c/d?e=f&g, ", "\u4f60\u597d\uff0c"]) {
      const body = Buffer.from(text.repeat(5000));
      expect(estimateTokens(body).prompt).toBe(Math.ceil(body.byteLength / 4));
    }
  });

  it("is the same however a body is cut into pieces", () => {
    const body = bytes({ input: ["words and ".repeat(5000), picture(200_000)] });
    for (const pieceBytes of [65_536, 4096]) {
      const meter = new PromptMeter();
      for (let at = 0; at < body.byteLength; at += pieceBytes) {
        meter.read(body.subarray(at, at + pieceBytes));
      }
      expect(meter.tokens).toBe(estimateTokens(body).prompt);
    }
  });

  it("of a body outside of memory is what was measured as it came, else by its size", () => {
    const stored = { sizeBytes: 8_000_000, members: [], read: unread, close: () => {} };
    expect(estimateTokens({ ...stored, promptTokens: 70 })).toEqual({ prompt: 70, total: 1094 });
    expect(estimateTokens(stored).prompt).toBe(2_000_000);
  });
});

function unread(): never {
  throw new Error("Nobody reads the body for an estimate.");
}
