import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { topMembers } from "../../../shared/core/top-members.ts";

const NAMES = new Set(["stream", "options"]);

describe("topMembers", () => {
  const name = fc.constantFrom("stream", "options", "other", "a b", "ü");
  const value = fc.oneof(
    fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as unknown),
    fc.constantFrom('"stream":true', "\\", '\\"', "{", "]", ",", { stream: 1, options: {} }),
  );

  it("finds what a parser finds, however it is written", () => {
    const spaces = fc.constantFrom(undefined, 1, "\t");
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), spaces, (members, space) => {
        const object = Object.fromEntries(members);
        const found = topMembers(` ${JSON.stringify(object, null, space)}\n`, NAMES);
        const wanted = Object.entries(object).filter(([key]) => NAMES.has(key));
        expect(found?.map(([key, text]) => [key, JSON.parse(text)])).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it("gives a member that stands twice as often", () => {
    expect(topMembers('{"stream":1,"stream": [2] }', NAMES)).toEqual([
      ["stream", "1"],
      ["stream", "[2]"],
    ]);
  });

  it.each([
    ["nothing", ""],
    ["a list", '[{"stream":true}]'],
    ["a text", '"stream"'],
    ["what is cut in an object", '{"stream":true,'],
    ["what is cut in a text", '{"stream":"tr'],
    ["what is cut behind a backslash", '{"stream":"tr\\"'],
    ["two objects", '{"stream":true} {}'],
    ["what closes more than it opens", '{"stream":true}}'],
    ["a name that is escaped", '{"\\u0073tream":true}'],
  ])("says nothing of %s", (_, text) => {
    expect(topMembers(text, NAMES)).toBeUndefined();
  });
});
