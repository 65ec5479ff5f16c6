import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collectBytes, TooManyBytesError } from "../../../shared/core/bytes.ts";
import { bodyOf } from "../../support/streams.ts";

describe("collectBytes", () => {
  it("joins whatever pieces a body comes in, up to the limit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), async (pieces) => {
        const whole = Buffer.concat(pieces);
        const bytes = await collectBytes(bodyOf(...pieces), whole.byteLength);
        expect(Buffer.from(bytes).equals(whole)).toBe(true);
      }),
    );
  });

  it("gives a body of one piece as it came, without a copy", async () => {
    const piece = new Uint8Array([1, 2, 3]);
    expect(await collectBytes(bodyOf(piece), 3)).toBe(piece);
  });

  it("stops at the first byte beyond the limit, and closes the body", async () => {
    let isClosed = false;
    let pieces = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          pieces += 1;
          yield new Uint8Array(10);
        }
      } finally {
        isClosed = true;
      }
    }
    await expect(collectBytes(endless(), 25)).rejects.toThrow(TooManyBytesError);
    expect(pieces).toBe(3);
    expect(isClosed).toBe(true);
  });

  it("passes on the error of a body that breaks", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      throw new Error("connection reset");
    }
    await expect(collectBytes(broken(), 100)).rejects.toThrow("connection reset");
  });
});
