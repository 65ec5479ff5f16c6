import zlib from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TokenUsage } from "../../../shared/core/domain.ts";
import { type AnswerUsage, UsageReader } from "../../../shared/usage/index.ts";
import { amazonFrame, invokeFrame } from "./amazon-frames.ts";
import { TRICK } from "./recorded-shapes.ts";

const TYPE = ["Content-Type", "application/vnd.amazon.eventstream"] as const;
const METRICS = "amazon-bedrock-invocationMetrics";

function read(
  chunks: readonly Uint8Array[],
  { isWhole = true, coding }: { isWhole?: boolean; coding?: string } = {},
): Promise<AnswerUsage> {
  const reader = new UsageReader([
    TYPE,
    ...(coding === undefined ? [] : [["content-encoding", coding] as const]),
  ]);
  for (const chunk of chunks) reader.read(chunk);
  return reader.end(isWhole);
}

const claudeStart = (usage: object) =>
  invokeFrame({ type: "message_start", message: { id: "msg_1", model: "claude-3", usage } });
const claudeSays = (text: string) =>
  invokeFrame({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });

interface Recorded {
  readonly name: string;
  readonly frames: readonly Buffer[];
  readonly tokens: TokenUsage | undefined;
}

const STREAMS: readonly Recorded[] = [
  {
    name: "ConverseStream",
    frames: [
      amazonFrame("messageStart", { role: "assistant", p: "abc" }),
      amazonFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: TRICK } }),
      amazonFrame("messageStop", { stopReason: "end_turn" }),
      amazonFrame("metadata", {
        metrics: { latencyMs: 900 },
        usage: {
          inputTokens: 4,
          outputTokens: 9,
          totalTokens: 1513,
          cacheReadInputTokens: 1500,
          cacheWriteInputTokens: 0,
        },
      }),
    ],
    tokens: {
      inputTokens: 1504,
      outputTokens: 9,
      totalTokens: 1513,
      cacheReadInputTokens: 1500,
      cacheCreationInputTokens: 0,
    },
  },
  {
    name: "Claude's own events",
    frames: [
      claudeStart({ input_tokens: 14, cache_read_input_tokens: 100, output_tokens: 1 }),
      claudeSays(TRICK),
      invokeFrame({ type: "message_delta", delta: {}, usage: { output_tokens: 55 } }),
      invokeFrame({
        type: "message_stop",
        [METRICS]: { inputTokenCount: 14, outputTokenCount: 55, cacheReadInputTokenCount: 100 },
      }),
    ],
    tokens: { inputTokens: 114, outputTokens: 55, totalTokens: 169, cacheReadInputTokens: 100 },
  },
  {
    name: "a model whose maker tells nothing",
    frames: [
      invokeFrame({ generation: "Hel", prompt_token_count: 7 }),
      invokeFrame({
        generation: "lo",
        stop_reason: "stop",
        [METRICS]: { inputTokenCount: 7, outputTokenCount: 2, invocationLatency: 300 },
      }),
    ],
    tokens: { inputTokens: 7, outputTokens: 2, totalTokens: 9 },
  },
  {
    name: "a stream that speaks of usage and tells none",
    frames: [amazonFrame("contentBlockDelta", { delta: { text: '"usage":{"inputTokens":9}' } })],
    tokens: undefined,
  },
];

describe("the usage of Amazon's binary streams", () => {
  it.each(STREAMS)(
    "is read exactly, however the bytes are cut: $name",
    async ({ frames, tokens }) => {
      const bytes = Buffer.concat(frames);
      for (const chunks of [[bytes], frames, [...bytes].map((byte) => Buffer.from([byte]))]) {
        const usage = await read(chunks);
        expect(usage.tokens).toEqual(tokens);
        expect(usage.provenance).toBe(tokens ? "reported" : "unknown");
      }
      const places = fc.array(fc.nat(bytes.length));
      await fc.assert(
        fc.asyncProperty(places, async (cuts) => {
          const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
          const chunks = at.slice(1).map((end, n) => bytes.subarray(at[n], end));
          expect((await read(chunks)).tokens).toEqual(tokens);
        }),
        { numRuns: 50 },
      );
    },
  );

  it("changes no byte, and names the model and the answer", async () => {
    const [, claude] = STREAMS;
    const bytes = Buffer.concat(claude?.frames ?? []);
    const before = Buffer.from(bytes);
    expect(await read([bytes])).toMatchObject({ model: "claude-3", responseId: "msg_1" });
    expect(bytes.equals(before)).toBe(true);
  });

  it("is read where the stream is compressed", async () => {
    for (const { frames, tokens } of STREAMS) {
      const bytes = zlib.gzipSync(Buffer.concat(frames));
      expect((await read([bytes], { coding: "gzip" })).tokens).toEqual(tokens);
    }
  });

  it("is that of what had come where the stream was cut, with its text for a count", async () => {
    const start = claudeStart({ input_tokens: 14, output_tokens: 1 });
    const said = [start, claudeSays("event: Hel"), claudeSays("lö").subarray(0, -5)];
    expect(await read(said, { isWhole: false })).toMatchObject({
      provenance: "partial",
      tokens: { inputTokens: 14 },
      uncounted: { text: "event: Hel", scale: 1 },
    });
    const last = amazonFrame("metadata", { usage: { inputTokens: 1, outputTokens: 2 } });
    expect(await read([last], { isWhole: false })).toMatchObject({ provenance: "reported" });
  });

  it("is not taken from an event whose bytes are not those that were sent", async () => {
    const frame = amazonFrame("metadata", { usage: { inputTokens: 1, outputTokens: 2 } });
    const changed = Buffer.from(frame);
    changed[changed.indexOf('"outputTokens":2') + 15] = 0x39;
    expect((await read([changed])).tokens).toBeUndefined();
    expect((await read([changed, frame])).tokens).toMatchObject({ outputTokens: 2 });
  });

  it("is not looked for in what is no such event, nor behind it", async () => {
    const frame = amazonFrame("metadata", { usage: { inputTokens: 1, outputTokens: 2 } });
    const nothing = { provenance: "unknown", tokens: undefined, uncounted: undefined };
    for (const junk of [Buffer.alloc(64), Buffer.alloc(64, 0xff), Buffer.from("{}".repeat(9))]) {
      expect(await read([junk, frame])).toMatchObject(nothing);
    }
    const short = Buffer.from(frame);
    short.writeUInt32BE(20, 0);
    short.writeUInt32BE(zlib.crc32(short.subarray(0, 8)), 8);
    expect(await read([short])).toMatchObject(nothing);
    const raw = amazonFrame("PayloadPart", Buffer.from([0xff, 0, 0x22, 0x80]));
    expect((await read([raw, frame])).tokens).toMatchObject({ inputTokens: 1 });
  });

  it("is found behind events too long to hold, which are not held", async () => {
    const long = amazonFrame("chunk", { delta: { text: "x".repeat(1_200_000) } });
    const last = amazonFrame("metadata", { usage: { inputTokens: 1, outputTokens: 2 } });
    const bytes = Buffer.concat([long, last]);
    for (const size of [5, 65_536]) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      const usage = await read(chunks);
      expect(usage).toMatchObject({ tokens: { totalTokens: 3 }, uncounted: undefined });
    }
  });
});

describe("the usage that an answer's head tells", () => {
  const head = (counts: Readonly<Record<string, string>>) =>
    Object.entries(counts).map(([name, value]) => [`X-Amzn-Bedrock-${name}`, value] as const);
  const ofJson = (value: object, counts: Readonly<Record<string, string>>) => {
    const reader = new UsageReader([["content-type", "application/json"], ...head(counts)]);
    reader.read(Buffer.from(JSON.stringify(value)));
    return reader;
  };

  it("is that of an answer whose body tells none", async () => {
    const counts = { "Input-Token-Count": "9", "Output-Token-Count": "3" };
    const usage = await ofJson({ outputText: "a b c" }, counts).end(true);
    const tokens = { inputTokens: 9, outputTokens: 3, totalTokens: 12 };
    expect(usage).toMatchObject({ provenance: "reported", tokens, uncounted: undefined });
    const vector = await ofJson({ embedding: [1] }, { "Input-Token-Count": "9" }).end(true);
    expect(vector.tokens).toEqual({ inputTokens: 9, outputTokens: 0, totalTokens: 9 });
  });

  it("is the last word, also where the body is cut", async () => {
    const counts = {
      "Input-Token-Count": "9",
      "Output-Token-Count": "3",
      "Cache-Read-Input-Token-Count": "100",
      "Cache-Write-Input-Token-Count": "5",
    };
    expect(await ofJson({}, counts).end(false)).toMatchObject({
      provenance: "reported",
      tokens: {
        inputTokens: 114,
        outputTokens: 3,
        cacheReadInputTokens: 100,
        cacheCreationInputTokens: 5,
      },
    });
  });

  it("stands behind what the body tells, and is a number or nothing", async () => {
    const usage = { input_tokens: 9, output_tokens: 4 };
    const counts = { "Input-Token-Count": "9", "Output-Token-Count": "3" };
    expect((await ofJson({ usage }, counts).end(true)).tokens).toMatchObject({ outputTokens: 4 });
    for (const value of ["", "-1", "1e3", "0x9", "9".repeat(40), "many"]) {
      const { tokens } = await ofJson({}, { "Input-Token-Count": value }).end(true);
      expect(tokens, value).toBeUndefined();
    }
  });
});
