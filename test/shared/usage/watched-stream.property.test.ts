import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { committedStream } from "../../../shared/backends/committed-stream.ts";
import { BackendFailure } from "../../../shared/backends/index.ts";
import type { EventPiece } from "../../../shared/core/event-bytes.ts";
import {
  type AnswerUsage,
  UsageReader,
  WithoutUsageChunk,
  withoutNullUsage,
} from "../../../shared/usage/index.ts";
import { RECORDED_ANSWERS } from "./recorded-answers.ts";

const SSE = [["content-type", "text/event-stream"]] as const;

interface Delivered {
  readonly text: string;
  readonly usage: AnswerUsage;
  readonly isWhole: boolean;
}

async function* inPieces(text: string, places: readonly number[]) {
  // Of its own: what is rewritten is rewritten where it lies.
  const bytes = Buffer.from(text);
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  const sorted = cuts.sort((a, b) => a - b);
  for (const [at, start] of sorted.entries()) yield bytes.subarray(start, sorted[at + 1]);
  return undefined;
}

/** A stream on its way: watched, read, and edited where it was wished for, all by one cutting of it. */
async function deliver(
  text: string,
  places: readonly number[],
  isWished = false,
): Promise<Delivered> {
  const reader = new UsageReader(SSE);
  const editor = new WithoutUsageChunk();
  const taken: Buffer[] = [];
  let isWhole = true;
  try {
    const rewrite = isWished ? withoutNullUsage : undefined;
    const stream = await committedStream(inPieces(text, places), rewrite);
    for (let isOver = false; !isOver; ) {
      const piece: EventPiece = await stream.next();
      isOver = piece.done === true;
      const value = piece.value ?? new Uint8Array(0);
      reader.read(value, piece.events);
      // Copied, for their memory is used again.
      if (!isOver) taken.push(Buffer.from(isWished ? editor.push(value, piece.events) : value));
    }
    taken.push(Buffer.from(editor.end()));
  } catch (error) {
    expect(error).toBeInstanceOf(BackendFailure);
    isWhole = false;
  }
  return { text: Buffer.concat(taken).toString(), usage: await reader.end(isWhole), isWhole };
}

async function readApart(text: string): Promise<AnswerUsage> {
  const reader = new UsageReader(SSE);
  reader.read(Buffer.from(text));
  return reader.end(true);
}

const places = fc.array(fc.nat(), { maxLength: 30 });
const chunk = (fields: object): string => `data: ${JSON.stringify({ id: "c-1", ...fields })}`;
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const saying = (content: string, finish: string | null = null) => ({
  choices: [{ index: 0, delta: { content }, finish_reason: finish }],
});

/** A chat as its backend streams it, with or without the wish. */
function chat(isWished: boolean, eol: string): string {
  const nothing = isWished ? { usage: null } : {};
  const events = [
    ": a comment",
    chunk({ model: "m", choices: [{ index: 0, delta: { role: "assistant" } }], ...nothing }),
    chunk({ ...saying('says "usage":null, ü 😀'), ...nothing }),
    chunk({ ...saying("more"), ...nothing, obfuscation: "ab" }),
    chunk({ ...nothing, ...saying("and more") }),
    chunk({ ...saying("", "stop"), ...nothing }),
    ...(isWished ? [chunk({ choices: [], usage: USAGE })] : []),
    "data: [DONE]",
  ];
  return events.map((event) => event + eol + eol).join("");
}

describe("a stream that is cut once for all who look into it", () => {
  const streams = RECORDED_ANSWERS.filter(({ type }) => type.includes("event-stream"));

  it("is one of those that are tried", () => {
    expect(streams.length).toBeGreaterThan(5);
  });

  it.each(streams)("tells what it tells a reader of its own: $name", async ({ text }) => {
    const apart = await readApart(text);
    await fc.assert(
      fc.asyncProperty(places, async (at) => {
        const { usage, isWhole, text: delivered } = await deliver(text, at);
        if (isWhole) expect([usage, delivered]).toEqual([apart, text]);
        else expect(text.startsWith(delivered)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
    ["CR", "\r"],
  ])("is told, and comes as without the wish, for every cut in two: %s", async (_, eol) => {
    const [sent, wanted] = [chat(true, eol), chat(false, eol)];
    for (let at = 0; at <= Buffer.byteLength(sent); at++) {
      const { text, usage } = await deliver(sent, [at], true);
      expect([at, text]).toEqual([at, wanted]);
      expect(usage).toMatchObject({ provenance: "reported", model: "m", responseId: "c-1" });
      expect(usage.tokens).toEqual({ inputTokens: 3, outputTokens: 4, totalTokens: 7 });
    }
  });

  it("is the same for many cuts, and where its last event lacks its end", async () => {
    await fc.assert(
      fc.asyncProperty(places, fc.boolean(), async (at, isCut) => {
        const [sent, wanted] = [chat(true, "\n"), chat(false, "\n")];
        const { text, usage } = await deliver(isCut ? sent.trimEnd() : sent, at, true);
        expect(text).toBe(isCut ? wanted.trimEnd() : wanted);
        expect(usage.tokens?.totalTokens).toBe(7);
      }),
      { numRuns: 200 },
    );
  });

  it("ends behind an error, with what came before it, as its reader has it", async () => {
    const error = 'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n';
    const begun = chat(true, "\n").split("data: [DONE]")[0] ?? "";
    const wanted = chat(false, "\n").split("data: [DONE]")[0] ?? "";
    await fc.assert(
      fc.asyncProperty(places, async (at) => {
        const { text, isWhole } = await deliver(`${begun}${error}data: more\n\n`, at, true);
        expect(isWhole).toBe(false);
        // What held the error and a first event was never delivered: another backend may have answered.
        expect(`${wanted}${error}`.startsWith(text)).toBe(true);
        expect(text === "" || text.endsWith(error)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
