import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WithoutUsageChunk } from "../../../shared/usage/index.ts";

const chunk = (fields: object): string => `data: ${JSON.stringify({ id: "c-1", ...fields })}`;
const CONTENT = { choices: [{ index: 0, delta: { content: 'says "usage":null, ü' } }] };
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const FILTER = { choices: [], prompt_filter_results: [{ prompt_index: 0 }] };

/** A stream as its backend sends it, with or without the wish. */
function streamOf(isWished: boolean, newline: string): string {
  const nothing = isWished ? { usage: null } : {};
  return [
    ': a comment about "usage":null',
    chunk({ ...FILTER, ...nothing }),
    chunk({ ...CONTENT, ...nothing }),
    `event: x${newline}${chunk({ ...nothing, ...CONTENT, obfuscation: "abc" })}`,
    chunk({ choices: [{ delta: {}, finish_reason: "stop" }], ...nothing }),
    ...(isWished ? [chunk({ choices: [], usage: USAGE })] : []),
    "data: [DONE]",
  ]
    .map((event) => event + newline + newline)
    .join("");
}

function filtered(pieces: readonly Uint8Array[]): string {
  const filter = new WithoutUsageChunk();
  return Buffer.concat([...pieces.map((piece) => filter.push(piece)), filter.end()]).toString();
}

function split(text: string, at: readonly number[]): Uint8Array[] {
  const bytes = Buffer.from(text);
  const cuts = [0, ...[...at].map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

/** Without the spaces around a comma, which may go with either neighbour. */
const bare = (text: string): string => text.replace(/\{ |(?<=,) /g, (found) => found.trim());

describe("WithoutUsageChunk", () => {
  it.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
  ])(
    "gives the stream that would have come without the wish, however it is split: %s",
    (_, eol) => {
      const cuts = fc.array(fc.nat(), { maxLength: 40 });
      fc.assert(
        fc.property(cuts, (at) => {
          expect(filtered(split(streamOf(true, eol), at))).toBe(streamOf(false, eol));
        }),
      );
      const bytes = Buffer.from(streamOf(true, eol));
      const singly = Array.from(bytes, (_byte, index) => bytes.subarray(index, index + 1));
      expect(filtered(singly)).toBe(streamOf(false, eol));
    },
  );

  it("passes each event as soon as it is whole", () => {
    const filter = new WithoutUsageChunk();
    const [first = "", second = ""] = streamOf(true, "\n").split(/(?<=\n\n)/);
    expect(filter.push(Buffer.from(first.slice(0, -1))).length).toBe(0);
    expect(Buffer.from(filter.push(Buffer.from("\n"))).toString()).toBe(first);
    expect(Buffer.from(filter.push(Buffer.from(`${second}data: ha`))).toString()).not.toContain(
      "ha",
    );
  });

  it("passes what never mentions usage as it is, without a copy", () => {
    const filter = new WithoutUsageChunk();
    const bytes = Buffer.from(`${chunk(CONTENT).replace("usage", "use")}\n\n`);
    const passed = filter.push(bytes);
    expect([passed.buffer === bytes.buffer, passed.byteOffset]).toEqual([true, bytes.byteOffset]);
  });

  it("keeps usage that comes with a choice: it was not put there by the wish alone", () => {
    const text = `${chunk({ ...CONTENT, usage: USAGE })}\n\n`;
    expect(filtered([Buffer.from(text)])).toBe(text);
  });

  it("holds no endless event", () => {
    const filter = new WithoutUsageChunk();
    const piece = Buffer.alloc(300_000, 0x61);
    const passed = [1, 2, 3, 4, 5].map(() => filter.push(piece).length);
    expect(passed).toEqual([0, 0, 0, 1_200_000, 300_000]);
    expect(
      Buffer.from(filter.push(Buffer.from(`\n\n${chunk({ usage: null })}\n\n`))).toString(),
    ).toBe(`\n\n${chunk({})}\n\n`);
  });

  const json = fc.json({ maxDepth: 2 }).map((text) => JSON.parse(text) as unknown);
  const member = fc.tuple(
    fc.oneof(fc.constantFrom("choices", "delta", "a"), fc.string({ maxLength: 5 })),
    fc.oneof(
      json,
      fc.constantFrom(
        { a: 1, usage: null },
        [{ x: { usage: null, b: "" } }],
        '},"usage":null}\n\n',
        "ü",
      ),
    ),
  );
  const spaced = (value: unknown): string => JSON.stringify(value, null, 1).replace(/\n */g, " ");

  it("takes a null that is the object's own, wherever it stands, and no other", () => {
    const members = fc.array(member, { minLength: 1, maxLength: 5 });
    const writes = fc.constantFrom(JSON.stringify, spaced);
    const ends = fc.constantFrom("\n\n", "\r\n\r\n", "\r\r");
    fc.assert(
      fc.property(
        members,
        fc.nat(5),
        writes,
        ends,
        fc.array(fc.nat()),
        (list, place, write, end, at) => {
          const fields = list.filter(([name]) => name !== "usage" && !/^\d+$/.test(name));
          const without = Object.fromEntries([...fields, ["z", 1]]);
          const entries = Object.entries(without);
          const wished = [...entries.slice(0, place), ["usage", null], ...entries.slice(place)];
          const event = `data: ${write(Object.fromEntries(wished))}${end}`;
          const expected = bare(`data: ${write(without)}${end}`);
          expect(bare(filtered(split(event + event, at)))).toBe(expected + expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ["a last chunk", (eol: string) => chunk({ choices: [], usage: USAGE }) + eol + eol],
    [
      "one with a name and an id",
      (eol: string) =>
        `event: x${eol}id: 1${eol}${chunk({ choices: [], usage: USAGE })}${eol}${eol}`,
    ],
    ["one that nothing ends", () => chunk({ usage: USAGE, choices: [] })],
  ])("takes the whole event of %s, for every cut in two and every line end", (_, last) => {
    for (const eol of ["\n", "\r\n", "\r"]) {
      const before = `${chunk(CONTENT)}${eol}${eol}`;
      const bytes = Buffer.from(before + last(eol));
      for (let at = 0; at <= bytes.length; at++) {
        expect(filtered([bytes.subarray(0, at), bytes.subarray(at)])).toBe(before);
      }
    }
  });

  it.each([
    ["data of several lines", 'data: {"choices":[],\ndata: "usage":null}\n\n'],
    ["text that is no object", 'data: [{"usage":null}]\n\ndata: "usage":null\n\n'],
    ["usage that is no account", `${chunk({ choices: [], usage: 7 })}\n\n`],
    ["a value of that name", `${chunk({ choices: [{ delta: { content: "usage" } }] })}\n\n`],
    ["two of them", 'data: {"usage":null, "a":{}, "usage":null, "b":{}}\n\n'],
  ])("passes %s as it is", (_, text) => {
    expect(filtered([Buffer.from(text)])).toBe(text);
  });
});
