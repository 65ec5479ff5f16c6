import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonMember, JsonMemberScanner } from "../../../shared/core/json-member-scanner.ts";
import { anyCharacter } from "../../support/any-character.ts";

const NAMES: ReadonlySet<string> = new Set(["model", "stream"]);

/** What is found in a text that comes in pieces of the given length. */
function scan(text: string, pieceBytes = 7): readonly JsonMember[] {
  const scanner = new JsonMemberScanner(NAMES);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    scanner.push(bytes.subarray(at, at + pieceBytes));
  }
  return scanner.end();
}

const texts = (text: string): string[] => scan(text).map(({ name, text }) => `${name}=${text}`);

describe("JsonMemberScanner", () => {
  it.each([
    ['{"model":"gpt","stream":true}', ['model="gpt"', "stream=true"]],
    [' { "stream" : false , "model"\n:\t"a\\"b" } ', ["stream=false", 'model="a\\"b"']],
    ['{"a":{"model":"inner"},"b":["model","x"],"model":"outer"}', ['model="outer"']],
    ['{"content":"\\"model\\":\\"x\\"","model":"y"}', ['model="y"']],
    ['{"m\\u006fdel":"escaped"}', ['model="escaped"']],
    ['{"model":"first","model":"last"}', ['model="first"', 'model="last"']],
    ['{"model":{"stream":true}}', []],
    ['{"a":"model","stream":null}', ["stream=null"]],
    ['{"stream":true', []],
    ['["model","x"]', []],
    ['"model"', []],
    ["", []],
  ])("finds in %s", (text, expected) => {
    expect(texts(text)).toEqual(expected);
  });

  it("leaves out a value that is longer than any name of a model", () => {
    expect(scan(`{"model":"${"x".repeat(600)}","stream":true}`)).toMatchObject([
      { name: "stream" },
    ]);
  });

  it("finds what JSON.parse finds, and where it stands, however the text is cut", () => {
    const member = fc.tuple(
      fc.oneof(fc.constantFrom("model", "stream", "messages"), fc.string({ unit: anyCharacter })),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.array(member), fc.integer({ min: 1, max: 20 }), (members, pieceBytes) => {
        const object = Object.fromEntries(members);
        const text = JSON.stringify(object);
        const bytes = Buffer.from(text);
        const found = scan(text, pieceBytes);
        for (const { text: value, start, end } of found) {
          expect(bytes.toString("utf8", start, end)).toBe(value);
        }
        const expected = Object.entries(object).filter(
          ([name, value]) =>
            NAMES.has(name) &&
            (typeof value !== "object" || value === null) &&
            Buffer.byteLength(JSON.stringify(value)) <= 512,
        );
        const parsed = found.map(({ name, text: value }) => [name, JSON.parse(value)]);
        expect(Object.fromEntries(parsed)).toEqual(
          Object.fromEntries(
            expected.map(([name, value]) => [name, JSON.parse(JSON.stringify(value))]),
          ),
        );
      }),
    );
  });
});
