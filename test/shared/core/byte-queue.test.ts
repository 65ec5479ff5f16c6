import { describe, expect, it } from "vitest";
import { ByteQueue } from "../../../shared/core/byte-queue.ts";
import { textOf } from "../../support/streams.ts";

function openQueue(highWaterBytes = 100_000) {
  const told: string[] = [];
  const queue = new ByteQueue({
    highWaterBytes,
    onPause: () => told.push("pause"),
    onResume: () => told.push("resume"),
    onReturn: () => told.push("return"),
  });
  return { queue, told };
}

const text = ({ value }: IteratorResult<Uint8Array, undefined>): string =>
  Buffer.from(value ?? []).toString();

describe("ByteQueue", () => {
  it("hands a piece to a reader that waits, without a copy", async () => {
    const { queue } = openQueue();
    const next = queue.next();
    const piece = Buffer.from("a");
    queue.push(piece);
    expect((await next).value).toBe(piece);
  });

  it("reads small pieces that wait as one, and large ones as they came", async () => {
    const { queue } = openQueue();
    const large = Buffer.alloc(20_000, "x");
    for (const piece of ["a", "b", "c"]) queue.push(Buffer.from(piece));
    queue.push(large);
    queue.push(Buffer.from("d"));
    queue.end();
    expect(text(await queue.next())).toBe("abc");
    expect((await queue.next()).value).toBe(large);
    expect(text(await queue.next())).toBe("d");
    expect((await queue.next()).done).toBe(true);
  });

  it("merges no more than stays small", async () => {
    const { queue } = openQueue();
    for (let piece = 0; piece < 10; piece++) queue.push(Buffer.alloc(6000, String(piece)));
    queue.end();
    const sizes: number[] = [];
    let whole = "";
    for await (const chunk of queue) {
      sizes.push(chunk.byteLength);
      whole += Buffer.from(chunk).toString();
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16 * 1024);
    expect(whole).toBe([..."0123456789"].map((digit) => digit.repeat(6000)).join(""));
  });

  it("asks its writer to pause, and to go on when all is read", async () => {
    const { queue, told } = openQueue(40_000);
    for (let piece = 0; piece < 4; piece++) queue.push(Buffer.alloc(15_000));
    expect(told).toEqual(["pause"]);
    for (let piece = 0; piece < 3; piece++) await queue.next();
    expect(told).toEqual(["pause"]);
    await queue.next();
    expect(told).toEqual(["pause", "resume"]);
  });

  it("gives what was written before it gives an error", async () => {
    const { queue } = openQueue();
    queue.push(Buffer.from("a"));
    queue.push(Buffer.from("b"));
    queue.fail(new Error("reset"));
    expect(text(await queue.next())).toBe("ab");
    await expect(queue.next()).rejects.toThrow("reset");
  });

  it("tells its writer when the reader wants no more", async () => {
    const { queue, told } = openQueue();
    queue.push(Buffer.from("a"));
    for await (const _ of queue) break;
    expect(told).toEqual(["return"]);
  });

  it("is empty when it has ended without a byte", async () => {
    const { queue } = openQueue();
    queue.end();
    await queue.begun();
    expect(await textOf(queue)).toBe("");
  });
});
