import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { breakAt, coming, deliveredOf } from "./broken-streams.ts";
import { type Event, type Part, type SpokenProtocol, written } from "./event-tellings.ts";
import { messages, messageUsage } from "./messages-telling.ts";
import { responseEvents, responses, responseUsage } from "./responses-telling.ts";

const text = fc.string({
  unit: fc.constantFrom("a", "b", " ", "\n", '"', "é", "😀", "\\"),
  maxLength: 9,
});
const part: fc.Arbitrary<Part> = fc.tuple(fc.constantFrom("thought", "text", "tool"), text);
const parts = fc.array(part, { minLength: 1, maxLength: 5 });
const pieces = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
const cuts = fc.array(fc.nat(9000), { maxLength: 8 });

const PROTOCOLS: [string, SpokenProtocol, (name: string) => string][] = [
  ["responses", responses, responseUsage],
  ["messages", messages, messageUsage],
];

async function hear(
  { hear: heard }: SpokenProtocol,
  streams: readonly AsyncGenerator<Uint8Array, undefined>[],
) {
  const delivered = await deliveredOf(streams);
  return delivered && { ...delivered, ...heard(delivered.bytes) };
}

describe.each(PROTOCOLS)("a stream of %s that breaks anywhere", (_, protocol, usageBy) => {
  it("comes whole, once, and as one answer, whatever the pieces", async () => {
    const cases = fc.record({ parts, one: pieces, two: pieces, at: fc.nat(), a: cuts, b: cuts });
    let joined = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ parts: all, one, two, at, a, b }) => {
        const first = protocol.tell({ name: "one", parts: all, pieces: one });
        const second = protocol.tell({ name: "other", parts: all, pieces: two });
        const until = breakAt(first, at);
        const heard = await hear(protocol, [coming(first, a, until), coming(second, b)]);
        if (!heard) return;
        const isUnbroken = heard.asked === 0;
        expect(heard.error).toBeUndefined();
        expect([heard.parts, heard.isWhole]).toEqual([all, true]);
        expect(heard.outcomes).toEqual(isUnbroken ? [] : ["joined"]);
        expect(new Set(heard.names.map(placeOf)).size).toBe(heard.names.length);
        // What the first one named keeps its name; all else has the other's.
        const known = protocol.hear(wholeEvents(first, until)).names;
        expect(heard.names).toEqual(expect.arrayContaining([...known]));
        const added = heard.names.filter((name) => !known.includes(name));
        expect(added.filter((name) => !isUnbroken && !name.includes("other"))).toEqual([]);
        // What it used was told by whoever brought it to its end.
        expect([usageBy("one"), usageBy("other")]).toContain(heard.usageOf);
        joined += isUnbroken ? 0 : 1;
      }),
      { numRuns: 250 },
    );
    expect(joined).toBeGreaterThan(50);
  });

  it("may break again and again, each time anywhere", async () => {
    const cases = fc.record({
      parts,
      one: pieces,
      two: pieces,
      at: fc.nat(),
      b: fc.nat(),
      a: cuts,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ parts: all, one, two, at, b, a }) => {
        const first = protocol.tell({ name: "one", parts: all, pieces: one });
        const second = protocol.tell({ name: "other", parts: all, pieces: two });
        const heard = await hear(protocol, [
          coming(first, a, breakAt(first, at)),
          coming(second, a, breakAt(second, b)),
          coming(first),
        ]);
        // A second stream that does not even begin is no continuation: then the first one's error stands.
        if (!heard || heard.outcomes.at(-1) === "unanswered") return;
        expect([heard.parts, heard.isWhole, heard.error]).toEqual([all, true, undefined]);
      }),
      { numRuns: 200 },
    );
  });

  it("never delivers a letter of another answer, nor one twice", async () => {
    const change = fc.option(fc.nat(), { nil: undefined });
    const cases = fc.record({
      parts,
      other: parts,
      change,
      one: pieces,
      two: pieces,
      at: fc.nat(),
    });
    const seen = { joined: 0, diverged: 0 };
    await fc.assert(
      fc.asyncProperty(cases, async ({ parts: all, other, change: letter, one, two, at }) => {
        const changed = letter === undefined ? other : withOtherLetter(all, letter);
        const first = protocol.tell({ name: "one", parts: all, pieces: one });
        const second = protocol.tell({ name: "other", parts: changed, pieces: two });
        const heard = await hear(protocol, [coming(first, [], breakAt(first, at)), coming(second)]);
        if (!heard || heard.asked === 0) return;
        if (heard.error === undefined) {
          seen.joined += 1;
          expect([heard.outcomes, heard.parts]).toEqual([["joined"], changed]);
          return;
        }
        seen.diverged += 1;
        expect(heard.outcomes).toEqual(["diverged"]);
        expect(heard.error).toMatchObject({ kind: "truncated", message: "cut" });
        expect(heard.isWhole).toBe(false);
        for (const [index, [kind, said]] of heard.parts.entries()) {
          const [known, whole] = all[index] ?? [];
          expect([kind, whole?.startsWith(said)]).toEqual([known, true]);
        }
        expect(heard.names.filter((name) => name.includes("other"))).toEqual([]);
      }),
      { numRuns: 400 },
    );
    expect(Math.min(seen.joined, seen.diverged)).toBeGreaterThan(20);
  });
});

describe("responses that fail by their own last word anywhere", () => {
  it("come whole and once when the last one is", async () => {
    const cases = fc.record({ parts, one: pieces, two: pieces, i: fc.nat(), j: fc.nat(), a: cuts });
    let joined = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ parts: all, one, two, i, j, a }) => {
        const first = responseEvents({ name: "one", parts: all, pieces: one });
        const second = responseEvents({ name: "other", parts: all, pieces: two });
        const heard = await hear(responses, [
          coming(written(failingAt(first, i)), a),
          coming(written(failingAt(second, j)), a),
          coming(written(second), a),
        ]);
        // One that does not even begin is no continuation: then the first one's last word stands.
        if (!heard || heard.outcomes.at(-1) === "unanswered") return;
        expect([heard.parts, heard.isWhole, heard.error]).toEqual([all, true, undefined]);
        expect(Buffer.from(heard.bytes).toString()).not.toContain("response.failed");
        joined += 1;
      }),
      { numRuns: 200 },
    );
    expect(joined).toBeGreaterThan(50);
  });
});

function failingAt(events: readonly Event[], at: number): Event[] {
  const begun = events.slice(0, at % events.length);
  const response = { id: "resp", error: { code: "server_error" } };
  return [...begun, { type: "response.failed", sequence_number: begun.length, response }];
}

/** What a name is of: the answer, a part of it, a signature. */
const placeOf = (name: string): string => name.replaceAll(/one|other/g, "");

/** What is delivered of a stream that breaks there. */
function wholeEvents(stream: string, until: number): Uint8Array {
  const delivered = Buffer.from(stream).subarray(0, until);
  return delivered.subarray(0, delivered.lastIndexOf("\n\n") + 2);
}

/** The same answer but for one letter. */
function withOtherLetter(parts: readonly Part[], change: number): readonly Part[] {
  let at =
    change %
    Math.max(
      1,
      parts.reduce((sum, [, said]) => sum + said.length, 0),
    );
  return parts.map(([kind, said]) => {
    const here = at;
    at -= said.length;
    if (here < 0 || here >= said.length) return [kind, said];
    return [kind, `${said.slice(0, here)}#${said.slice(here + 1)}`];
  });
}
