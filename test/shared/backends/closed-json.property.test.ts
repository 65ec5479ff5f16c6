import fc from "fast-check";
import { expect, it } from "vitest";
import { closedJson } from "../../../shared/backends/closed-json.ts";
import { readOut } from "./client-world.ts";

const json = fc
  .oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()))
  .map((value) => Buffer.from(JSON.stringify(value)));

/** The bytes in pieces of a size. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

it("takes JSON for whole with its last byte and not before, however it comes, and changes none", async () => {
  await fc.assert(
    fc.asyncProperty(json, fc.nat(), fc.integer({ min: 1, max: 9 }), async (bytes, cut, size) => {
      const text = bytes.toString("latin1");
      expect(await readOut(closedJson(inPieces(bytes, size)))).toEqual({ text });
      const length = 1 + (cut % (bytes.length - 1));
      const broken = await readOut(closedJson(inPieces(bytes.subarray(0, length), size)));
      expect(broken.text).toBe(text.slice(0, length));
      expect(broken.error).toMatchObject({ kind: "truncated" });
    }),
  );
});
