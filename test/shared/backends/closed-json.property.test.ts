import fc from "fast-check";
import { expect, it } from "vitest";
import { ClosedJson } from "../../../shared/backends/closed-json.ts";
import { readOut } from "./client-world.ts";

const SIZES = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 100, max: 5000 }));
const long = fc.oneof(
  fc.string({ minLength: 60, maxLength: 400 }),
  fc
    .array(fc.constantFrom("\\", '"', "{", "x".repeat(70)), { maxLength: 40 })
    .map((all) => all.join("")),
  fc.array(fc.double(), { maxLength: 300 }),
);
const json = fc
  .oneof(
    fc.dictionary(fc.string(), fc.oneof(fc.jsonValue(), long)),
    fc.array(fc.oneof(fc.jsonValue(), long)),
  )
  .map((value) => Buffer.from(JSON.stringify(value)));

/** The bytes in pieces of a size. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  return undefined;
}

it("takes JSON for whole with its last byte and not before, however it comes, and changes none", async () => {
  await fc.assert(
    fc.asyncProperty(
      json,
      fc.nat(),
      SIZES,
      fc.boolean(),
      async (bytes, cut, size, hasCertainEnd) => {
        const followed = (bytes: Uint8Array) =>
          readOut(new ClosedJson(inPieces(bytes, size), { hasCertainEnd }));
        const text = bytes.toString("latin1");
        expect(await followed(bytes)).toEqual({ text });
        const length = 1 + (cut % (bytes.length - 1));
        const broken = await followed(bytes.subarray(0, length));
        expect(broken.text).toBe(text.slice(0, length));
        expect(broken.error).toMatchObject({ kind: "truncated" });
      },
    ),
  );
});
