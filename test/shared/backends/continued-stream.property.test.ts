import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { breakAt, coming, deliveredOf } from "./broken-streams.ts";
import { asHeard, hear, type Speech, tell } from "./tellings.ts";

const speech: fc.Arbitrary<Speech> = fc.array(
  fc.tuple(
    fc.constantFrom("reasoning_content", "content", "tool0", "tool1"),
    fc.string({ unit: fc.constantFrom("a", "b", " ", "\n", '"', "é", "😀", "\\"), maxLength: 9 }),
  ),
  { minLength: 1, maxLength: 5 },
);
const speeches = fc
  .array(speech, { minLength: 1, maxLength: 2 })
  .filter((all) => all.every((one) => asHeard(one) !== ""));
const pieces = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
const cuts = fc.array(fc.nat(5000), { maxLength: 8 });

/** What a client gets of a stream and of those that are to continue it, in turn. */
async function deliver(streams: readonly AsyncGenerator<Uint8Array, undefined>[]) {
  const delivered = await deliveredOf(streams);
  return delivered && { ...delivered, ...hear(delivered.bytes) };
}

describe("a stream that breaks anywhere, and is told again", () => {
  it("comes whole, once, and as one answer, whatever the pieces", async () => {
    const cases = fc.record({ speeches, one: pieces, two: pieces, at: fc.nat(), a: cuts, b: cuts });
    let joined = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ speeches: all, one, two, at, a, b }) => {
        const first = tell({ name: "one", speeches: all, pieces: one });
        const second = tell({ name: "two", speeches: all, pieces: two });
        const heard = await deliver([coming(first, a, breakAt(first, at)), coming(second, b)]);
        if (!heard) return;
        expect(heard.said).toEqual(all.map(asHeard));
        expect(heard.error).toBeUndefined();
        expect(heard.outcomes).toEqual(["joined"]);
        expect([heard.ids, heard.usages, heard.dones]).toEqual([["chatcmpl-one one"], 1, 1]);
        expect(heard.roles).toEqual(all.map(() => 1));
        expect(heard.finishes).toEqual(all.map((_, index) => `${index} stop`));
        expect(new Set(heard.toolIds.map((id) => id.slice(0, 3))).size).toBe(heard.toolIds.length);
        joined += 1;
      }),
      { numRuns: 400 },
    );
    expect(joined).toBeGreaterThan(100);
  });

  it("may break again and again, each time anywhere", async () => {
    const cases = fc.record({
      speeches,
      one: pieces,
      two: pieces,
      at: fc.nat(),
      again: fc.nat(),
      a: cuts,
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ speeches: all, one, two, at, again, a }) => {
        const first = tell({ name: "one", speeches: all, pieces: one });
        const second = tell({ name: "two", speeches: all, pieces: two });
        const heard = await deliver([
          coming(first, a, breakAt(first, at)),
          coming(second, a, breakAt(second, again)),
          coming(first, []),
        ]);
        // A second stream that does not even begin is no continuation: then the first one's error stands.
        if (!heard || heard.outcomes.at(-1) === "unanswered") return;
        expect([heard.said, heard.error]).toEqual([all.map(asHeard), undefined]);
        expect([heard.ids, heard.usages, heard.dones]).toEqual([["chatcmpl-one one"], 1, 1]);
      }),
      { numRuns: 300 },
    );
  });

  it("never delivers a letter of another answer, nor one twice", async () => {
    const cases = fc.record({
      speeches,
      other: speeches,
      change: fc.option(fc.nat(), { nil: undefined }),
      one: pieces,
      two: pieces,
      at: fc.nat(),
      a: cuts,
      b: cuts,
    });
    const seen = { joined: 0, diverged: 0 };
    await fc.assert(
      fc.asyncProperty(cases, async ({ speeches: all, other, change, one, two, at, a, b }) => {
        const changed =
          change === undefined
            ? other
            : (change % 2 === 0 ? withOtherLetter : withOtherChannel)(all, change);
        const first = tell({ name: "one", speeches: all, pieces: one });
        const second = tell({ name: "two", speeches: changed, pieces: two });
        const heard = await deliver([coming(first, a, breakAt(first, at)), coming(second, b)]);
        if (!heard) return;
        const [outcome] = heard.outcomes;
        if (heard.error === undefined) {
          seen.joined += 1;
          // It differs only behind what the first one had said.
          expect([outcome, heard.said]).toEqual(["joined", changed.map(asHeard)]);
          expect(heard.dones).toBe(1);
          return;
        }
        seen.diverged += 1;
        expect(outcome).toBe("diverged");
        expect(heard.error).toMatchObject({ kind: "truncated", message: "cut" });
        for (const [index, said] of heard.said.entries()) {
          expect(asHeard(all[index] ?? []).startsWith(said ?? "")).toBe(true);
        }
        expect([heard.ids, heard.dones]).toEqual([["chatcmpl-one one"], 0]);
      }),
      { numRuns: 600 },
    );
    expect(Math.min(seen.joined, seen.diverged)).toBeGreaterThan(20);
  });
});

/** The same speeches, one stretch of which is said in another channel. */
function withOtherChannel(speeches: readonly Speech[], change: number): readonly Speech[] {
  let at = change % speeches.reduce((sum, one) => sum + one.length, 0);
  return speeches.map((one) =>
    one.map(([channel, text]) => {
      const isHere = at-- === 0;
      return [isHere ? (channel === "content" ? "reasoning_content" : "content") : channel, text];
    }),
  );
}

/** The same speeches but for one letter. */
function withOtherLetter(speeches: readonly Speech[], change: number): readonly Speech[] {
  const lengths = speeches.flatMap((one) => one.map(([, text]) => text.length));
  let at =
    change %
    Math.max(
      1,
      lengths.reduce((sum, length) => sum + length, 0),
    );
  return speeches.map((one) =>
    one.map(([channel, text]) => {
      const here = at;
      at -= text.length;
      if (here < 0 || here >= text.length) return [channel, text] as const;
      return [channel, `${text.slice(0, here)}#${text.slice(here + 1)}`] as const;
    }),
  );
}
