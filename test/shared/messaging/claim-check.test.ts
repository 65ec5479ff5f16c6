import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createClaimCheck } from "../../../shared/messaging/index.ts";
import { MemoryBlobs } from "../../support/memory-blobs.ts";
import { bodyOf } from "../../support/streams.ts";

const LIMIT = 100;

function open(limit = LIMIT) {
  const blobs = new MemoryBlobs();
  return { blobs, claimCheck: createClaimCheck(blobs, limit) };
}

const text = (length: number): Buffer => Buffer.alloc(length, "a");

describe("a claim check", () => {
  it("keeps a body of up to the limit in its message", async () => {
    const { blobs, claimCheck } = open();
    expect(await claimCheck.pack("b", text(LIMIT))).toEqual({ text: "a".repeat(LIMIT) });
    expect(blobs.blobs.size).toBe(0);
  });

  it("puts one byte more into a blob", async () => {
    const { blobs, claimCheck } = open();
    const body = await claimCheck.pack("b", text(LIMIT + 1));
    expect(body).toEqual({ blob: "b", sizeBytes: LIMIT + 1 });
    expect(blobs.blobs.get("b")?.byteLength).toBe(LIMIT + 1);
  });

  it("puts a body into a blob that would grow beyond its message as text", async () => {
    const { claimCheck } = open();
    expect(await claimCheck.pack("b", Buffer.alloc(LIMIT, 0x01))).toHaveProperty("blob");
    expect(await claimCheck.pack("b", Buffer.alloc(LIMIT, 0xff))).toHaveProperty("blob");
  });

  it.each([undefined, new Uint8Array()])("packs nothing as nothing", async (bytes) => {
    const { claimCheck } = open();
    expect(await claimCheck.pack("b", bytes)).toBeUndefined();
    expect(await claimCheck.unpack(undefined)).toBeUndefined();
  });

  it("gives back what it packed, whole or as a stream, at every size", async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.boolean(), async (parts, isStream) => {
        const { claimCheck } = open();
        const whole = Buffer.concat(parts);
        const body = isStream
          ? await claimCheck.packStream("b", bodyOf(...parts))
          : await claimCheck.pack("b", whole);
        const back = (await claimCheck.unpack(body)) ?? new Uint8Array();
        expect(whole.equals(back)).toBe(true);
      }),
    );
  });

  it("streams on what outgrows the limit, without holding more than the limit of it", async () => {
    const { blobs, claimCheck } = open();
    const body = await claimCheck.packStream("b", bodyOf(text(60), text(60), text(60)));
    expect(body).toEqual({ blob: "b", sizeBytes: 180 });
    expect(blobs.blobs.get("b")?.toString()).toBe("a".repeat(180));
  });

  it("keeps a stream of exactly the limit in its message", async () => {
    const { claimCheck } = open();
    const body = await claimCheck.packStream("b", bodyOf(text(60), text(40)));
    expect(body).toEqual({ text: "a".repeat(LIMIT) });
  });

  it("packs a stream without bytes as nothing", async () => {
    expect(await open().claimCheck.packStream("b", bodyOf())).toBeUndefined();
  });

  it("passes on the error of a stream that breaks, and leaves no blob", async () => {
    const { blobs, claimCheck } = open();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield text(LIMIT + 1);
      throw new Error("connection reset");
    }
    await expect(claimCheck.packStream("b", broken())).rejects.toThrow("connection reset");
    expect(blobs.blobs.size).toBe(0);
  });

  it("removes the blob of a body that is discarded, and nothing else", async () => {
    const { blobs, claimCheck } = open();
    await claimCheck.discard(await claimCheck.pack("large", text(LIMIT + 1)));
    await claimCheck.discard(await claimCheck.pack("small", text(1)));
    await claimCheck.discard(undefined);
    expect(blobs.removed).toEqual(["large"]);
  });
});
