import type { Transform } from "node:stream";
import zlib from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageReader } from "../../../shared/usage/index.ts";
import { bytesOf, cut, JSON_TYPE, read, SSE } from "./reading.ts";
import { RECORDED_ANSWERS } from "./recorded-answers.ts";
import { CHAT_STREAM } from "./recorded-shapes.ts";

/** What a compressor has given for a text when it is told to keep nothing back. */
async function flushed(compressor: Transform & zlib.Zlib, text: string): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  compressor.on("data", (chunk: Buffer) => chunks.push(chunk));
  compressor.write(text);
  await new Promise<void>((resolve) => compressor.flush(resolve));
  await expect.poll(() => compressor.readableLength).toBe(0);
  compressor.destroy();
  return chunks;
}

describe("the usage of an answer", () => {
  it.each(RECORDED_ANSWERS)("is read exactly: $name", async (answer) => {
    const usage = await read([bytesOf(answer)], answer);
    expect(usage.tokens).toEqual(answer.tokens);
    expect(usage.provenance).toBe(answer.tokens ? "reported" : "unknown");
  });

  it.each(RECORDED_ANSWERS)("is the same however the bytes are cut: $name", async (answer) => {
    const bytes = bytesOf(answer);
    expect((await read(cut(bytes, [...bytes.keys()]), answer)).tokens).toEqual(answer.tokens);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.byteLength)), async (places) => {
        expect((await read(cut(bytes, places), answer)).tokens).toEqual(answer.tokens);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ["gzip", zlib.gzipSync],
    ["deflate", zlib.deflateSync],
    ["deflate", zlib.deflateRawSync],
    ["br", zlib.brotliCompressSync],
    ["zstd", zlib.zstdCompressSync],
  ] as const)("is read from a copy that is decoded: %s", async (coding, compress) => {
    for (const answer of RECORDED_ANSWERS) {
      const bytes = compress(bytesOf(answer));
      const places = [1, bytes.byteLength >> 1, bytes.byteLength - 1];
      const usage = await read(cut(bytes, places), { ...answer, coding });
      expect(usage.tokens).toEqual(answer.tokens);
    }
  });

  it.each([
    ["gzip, br", [zlib.gzipSync, zlib.brotliCompressSync]],
    [" GZIP ,identity,gzip", [zlib.gzipSync, zlib.gzipSync]],
    ["x-gzip,deflate,zstd", [zlib.gzipSync, zlib.deflateSync, zlib.zstdCompressSync]],
  ] as const)(
    "is read where several codings were applied, the last one first: %s",
    async (coding, steps) => {
      for (const answer of RECORDED_ANSWERS) {
        let bytes: Uint8Array = bytesOf(answer);
        for (const compress of steps) bytes = compress(bytes);
        const places = [1, bytes.byteLength >> 1, bytes.byteLength - 1];
        expect((await read(cut(bytes, places), { ...answer, coding })).tokens).toEqual(
          answer.tokens,
        );
      }
    },
  );

  it("is read where each coding has a line of its own", async () => {
    const lines = ["gzip", "br"].map((coding) => ["content-encoding", coding] as const);
    const reader = new UsageReader([["content-type", "text/event-stream"], ...lines]);
    reader.read(zlib.brotliCompressSync(zlib.gzipSync(CHAT_STREAM)));
    expect(await reader.end(true)).toMatchObject({ tokens: { totalTokens: 69 } });
  });

  it("is not looked for behind more codings than anybody applies", async () => {
    const coding = Array.from({ length: 1000 }, () => "gzip").join(",");
    expect(await read([zlib.gzipSync("{}")], { ...JSON_TYPE, coding })).toMatchObject({
      provenance: "unknown",
      uncounted: undefined,
    });
  });

  it("is found in a document too long to hold, wherever it stands", async () => {
    const data = Array.from({ length: 400 }, () => ({ embedding: "A".repeat(2000), index: 1 }));
    const usage = { prompt_tokens: 8, total_tokens: 8 };
    for (const value of [
      { usage, data },
      { data, usage },
      { data, model: "e", usage, end: [[]] },
    ]) {
      const bytes = Buffer.from(JSON.stringify(value));
      const places = Array.from({ length: 100 }, (_, n) => n * 8191);
      const { tokens } = await read(cut(bytes, places), JSON_TYPE);
      expect(tokens).toEqual({ inputTokens: 8, outputTokens: 0, totalTokens: 8 });
    }
  });

  it("is not taken from a long document's inner parts or texts", async () => {
    const filler = "x".repeat(300_000);
    const trick = { usage: { total_tokens: 5 }, text: '","usage":{"total_tokens":6}' };
    const { tokens } = await read([Buffer.from(JSON.stringify({ filler, trick }))], JSON_TYPE);
    expect(tokens).toBeUndefined();
  });

  it("names the model and the answer's id", async () => {
    for (const answer of RECORDED_ANSWERS) {
      const named = /"(?:model|modelVersion)": ?"([^"]+)"/.exec(answer.text)?.[1];
      expect((await read([bytesOf(answer)], answer)).model).toBe(named);
    }
  });
});

describe("the usage of an answer that was cut", () => {
  it.each([
    ["gzip", zlib.createGzip],
    ["deflate", zlib.createDeflate],
    ["br", zlib.createBrotliCompress],
    ["zstd", zlib.createZstdCompress],
  ] as const)("is that of what had come, compressed or not: %s", async (coding, create) => {
    const events = CHAT_STREAM.split("\n\n");
    const told = `${events.slice(0, -2).join("\n\n")}\n\n`;
    for (const [text, expected] of [
      [told, { provenance: "reported", tokens: { totalTokens: 69 } }],
      [`${events[0]}\n\n`, { provenance: "partial", tokens: undefined, model: "gpt-4o" }],
    ] as const) {
      const chunks = await flushed(create(), text);
      const usage = await read(chunks, { ...SSE, coding, isWhole: false });
      expect(usage).toMatchObject(expected);
      if (!usage.tokens) expect(usage.uncounted?.text).toBe("Hel");
    }
  });

  it("is partial where it could not be read to its end", async () => {
    const start = { type: "message_start", message: { usage: { input_tokens: 14 } } };
    const chunks = await flushed(zlib.createGzip(), `data: ${JSON.stringify(start)}\n\n`);
    const usage = await read([...chunks, Buffer.alloc(64, 0xff)], { ...SSE, coding: "gzip" });
    expect(usage).toMatchObject({ provenance: "partial", tokens: { inputTokens: 14 } });
  });

  it("is that of the beginning of a stream that is a list, long or short", async () => {
    const part = (count: number, text: string): string =>
      JSON.stringify({
        candidates: [{ content: { parts: [{ text }] } }],
        usageMetadata: {
          promptTokenCount: 3,
          candidatesTokenCount: count,
          totalTokenCount: 3 + count,
        },
        modelVersion: "gemini-2.5-pro",
      });
    for (const filler of ["", "x".repeat(300_000)]) {
      const text = `[${part(1, `a "b" `)},\r\n${part(2, `c${filler}`)},\r\n{"candidates":[{"con`;
      const usage = await read([Buffer.from(text)], { ...JSON_TYPE, isWhole: false });
      const tokens = { inputTokens: 3, outputTokens: 2, totalTokens: 5 };
      expect(usage).toMatchObject({ provenance: "partial", tokens, model: "gemini-2.5-pro" });
      if (filler === "") expect(usage.uncounted?.text).toBe('a "b" c');
    }
  });

  it("is partial, with the text for a count", async () => {
    const half = Buffer.from(CHAT_STREAM).subarray(0, 300);
    const usage = await read([half], { ...SSE, isWhole: false });
    expect(usage).toMatchObject({ provenance: "partial", tokens: undefined, model: "gpt-4o" });
    expect(usage.uncounted?.text.startsWith("Hel")).toBe(true);
  });

  it("is reported all the same where the last word on it had come", async () => {
    const bytes = Buffer.from(CHAT_STREAM.replace("data: [DONE]\n\n", ""));
    const usage = await read([bytes], { ...SSE, isWhole: false });
    expect(usage).toMatchObject({ provenance: "reported", tokens: { totalTokens: 69 } });
  });

  it("is partial where only the beginning of a message had told of it", async () => {
    const start = {
      type: "message_start",
      message: { usage: { input_tokens: 14, output_tokens: 1 } },
    };
    const text = `event: message_start\ndata: ${JSON.stringify(start)}\n\n`;
    const usage = await read([Buffer.from(text)], { ...SSE, isWhole: false });
    expect(usage).toMatchObject({ provenance: "partial", tokens: { inputTokens: 14 } });
  });

  it("is partial where a message ends with an error that is told within it", async () => {
    const events = [
      { type: "message_start", message: { usage: { input_tokens: 14, output_tokens: 1 } } },
      { type: "content_block_delta", delta: { type: "text_delta", text: "Hel" } },
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    ];
    const text = events.map((e) => `event: ${e.type}\ndata: ${JSON.stringify(e)}\n\n`).join("");
    expect(await read([Buffer.from(text)], SSE)).toMatchObject({
      provenance: "partial",
      tokens: { inputTokens: 14, outputTokens: 1 },
      uncounted: { text: "Hel" },
    });
  });

  it("is unknown where nothing had come, or what came cannot be read", async () => {
    const nothing = { provenance: "unknown", tokens: undefined, uncounted: undefined };
    expect(await read([], { ...SSE, isWhole: false })).toMatchObject(nothing);
    const junk = [Buffer.from([1, 2, 3])];
    expect(await read(junk, { ...JSON_TYPE, coding: "gzip" })).toMatchObject(nothing);
    expect(await read(junk, { ...JSON_TYPE, coding: "none-such" })).toMatchObject(nothing);
    expect(await read(junk, { type: "text/html" })).toMatchObject(nothing);
  });
});

describe("the text of an answer without usage", () => {
  const said = async (text: string): Promise<string | undefined> =>
    (await read([Buffer.from(text)], SSE)).uncounted?.text;
  const event = (value: unknown, name?: string): string =>
    `${name ? `event: ${name}\n` : ""}data: ${JSON.stringify(value)}\n\n`;

  it("is what the deltas say, once", async () => {
    const words = ["Hi ", 'a "quote"', "\\ 😀\n", "end"];
    const chat = words.map((content) => event({ choices: [{ delta: { content } }] })).join("");
    expect(await said(chat)).toBe(words.join(""));
    const name = "response.output_text.delta";
    const deltas = words.map((delta) => event({ type: name, delta }, name)).join("");
    const done = event({ text: words.join("") }, "response.output_text.done");
    expect(await said(deltas + done)).toBe(words.join(""));
  });

  it("includes the arguments of tools and what was thought", async () => {
    const call = { tool_calls: [{ function: { name: "f", arguments: '{"a":1}' } }] };
    const think = { reasoning_content: "hm " };
    const text = event({ choices: [{ delta: think }] }) + event({ choices: [{ delta: call }] });
    expect(await said(text)).toBe('hm {"a":1}');
  });

  it("is whole however its events come, and however many", async () => {
    const words = Array.from({ length: 1000 }, (_, at) => ` word${at}`);
    const events = words.map((content) =>
      Buffer.from(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`),
    );
    const oneByOne = await read(events, SSE);
    expect(oneByOne.uncounted).toEqual({ text: words.join(""), scale: 1 });
    expect(await read([Buffer.concat(events)], SSE)).toEqual(oneByOne);
  });

  it("is kept to a limit, and its scale tells of the rest", async () => {
    const long = event({ choices: [{ delta: { content: "x".repeat(1000) } }] }).repeat(600);
    const { uncounted } = await read([Buffer.from(long)], SSE);
    expect(uncounted?.text.length).toBeLessThanOrEqual(256 * 1024);
    expect((uncounted?.text.length ?? 0) * (uncounted?.scale ?? 0)).toBeCloseTo(600_000, -1);
  });

  it("comes from the fields of a JSON answer", async () => {
    const value = { choices: [{ message: { role: "assistant", content: "four words of text" } }] };
    const { uncounted } = await read([Buffer.from(JSON.stringify(value))], JSON_TYPE);
    expect(uncounted).toEqual({ text: "four words of text", scale: 1 });
  });
});
