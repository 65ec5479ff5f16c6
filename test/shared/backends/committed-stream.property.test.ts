import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { committedStream } from "../../../shared/backends/committed-stream.ts";
import { BackendFailure } from "../../../shared/backends/index.ts";

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const chat = (delta: object, finish: string | null = null): string =>
  data({ choices: [{ index: 0, delta, finish_reason: finish }] });
const typed = (type: string, more: object = {}): string =>
  `event: ${type}\n${data({ type, ...more })}`;

/** Streams, each with the text up to which it must have come to be an answer. */
const STREAMS = {
  chat: [
    `: hi\n\n${chat({ role: "assistant" })}${chat({ content: 'ä "finish_reason":"no" 😀' })}`,
    `${chat({ content: "!" }, "stop").trimEnd()}`,
    `\n\n${data({ choices: [], usage: { total_tokens: 3 } })}data: [DONE]\n\n`,
  ],
  responses: [
    typed("response.created") + typed("response.output_text.delta", { delta: "a" }),
    typed("response.completed", { response: { output: [{ text: "a" }] } }).trimEnd(),
    "\n\n",
  ],
  messages: [
    typed("message_start") +
      typed("content_block_delta", { delta: { text: "a" } }) +
      typed("message_delta"),
    typed("message_stop").trimEnd(),
    "\n\n",
  ],
  gemini: [
    data({ candidates: [{ content: { parts: [{ text: 'ä "finishReason":"no" 😀' }] } }] }),
    data({ candidates: [{ content: { parts: [] }, finishReason: "STOP" }] }).trimEnd(),
    `\n\n${data({ usageMetadata: { totalTokenCount: 3 } })}`,
  ],
} as const;

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const points = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  const sorted = points.sort((a, b) => a - b);
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

/** What reaches a reader, and whether it ends well. */
async function deliver(chunks: readonly Uint8Array[], failure?: BackendFailure) {
  async function* body(): AsyncGenerator<Uint8Array, undefined> {
    yield* chunks;
    if (failure) throw failure;
    return undefined;
  }
  const taken: Uint8Array[] = [];
  try {
    for await (const chunk of await committedStream(body())) taken.push(chunk);
    return { bytes: Buffer.concat(taken), isWhole: true };
  } catch (error) {
    expect(error).toBeInstanceOf(BackendFailure);
    return { bytes: Buffer.concat(taken), isWhole: false };
  }
}

const cuts = fc.array(fc.nat(2000), { maxLength: 12 });

describe.each(Object.entries(STREAMS))(
  "a stream of %s, cut anywhere",
  (name, [before, last, rest]) => {
    const bytes = Buffer.from(before + last + rest);
    const enough = Buffer.byteLength(before + last);

    it("that ends in order is whole exactly when it holds its last word", async () => {
      for (let at = 0; at <= bytes.length; at++) {
        const { isWhole } = await deliver([bytes.subarray(0, at)]);
        expect([at, isWhole]).toEqual([at, at >= enough]);
      }
    });

    it("that breaks is whole only behind its protocol's own end", async () => {
      const broken = new BackendFailure("truncated", "reset", { mayHaveBegun: true });
      for (let at = 0; at <= bytes.length; at++) {
        const { isWhole } = await deliver([bytes.subarray(0, at)], broken);
        // The blank line makes the event; a chat has said everything only with its sentinel, and of a stream
        // without one nobody knows.
        expect([at, isWhole]).toEqual([at, at === bytes.length && name !== "gemini"]);
      }
    });

    it("passes byte for byte, however it comes", async () => {
      await fc.assert(
        fc.asyncProperty(cuts, async (points) => {
          const { bytes: delivered, isWhole } = await deliver(split(bytes, points));
          expect([delivered.equals(bytes), isWhole]).toEqual([true, true]);
        }),
        { numRuns: 100 },
      );
    });

    it("delivers nothing but a prefix of what came when it fails", async () => {
      await fc.assert(
        fc.asyncProperty(cuts, fc.nat(bytes.length), async (points, length) => {
          const { bytes: delivered } = await deliver(split(bytes.subarray(0, length), points));
          expect(bytes.subarray(0, delivered.length).equals(delivered)).toBe(true);
        }),
        { numRuns: 100 },
      );
    });
  },
);
