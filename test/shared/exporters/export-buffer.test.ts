import { describe, expect, it } from "vitest";
import { ExportBuffer } from "../../../shared/exporters/export-buffer.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A buffer whose sends are answered by hand. */
function bufferOf(change: { capacity?: number; batch?: number } = {}) {
  const clock = new FakeClock();
  const sends: { items: readonly number[]; resolve(): void; reject(error: Error): void }[] = [];
  const losses: [string, number][] = [];
  const buffer = new ExportBuffer<number>({
    clock,
    capacity: 10,
    batch: 3,
    delayMs: 100,
    timeoutMs: 1000,
    ...change,
    send: (items) =>
      new Promise((resolve, reject) => {
        sends.push({ items, resolve, reject });
      }),
    onLoss: (reason, count) => losses.push([reason, count]),
  });
  return { buffer, clock, sends, losses };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("a buffer before a receiver", () => {
  it("waits for others, but not for long", async () => {
    const { buffer, clock, sends } = bufferOf();
    buffer.add(1);
    buffer.add(2);
    expect(sends).toEqual([]);
    await clock.advance(100);
    expect(sends.map(({ items }) => items)).toEqual([[1, 2]]);
  });

  it("sends a whole batch at once, and one after the other", async () => {
    const { buffer, sends } = bufferOf();
    for (let item = 1; item <= 7; item++) buffer.add(item);
    expect(sends.map(({ items }) => items)).toEqual([[1, 2, 3]]);
    sends[0]?.resolve();
    await settled();
    expect(sends.map(({ items }) => items)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    sends[1]?.resolve();
    await settled();
    expect(sends[2]?.items).toEqual([7]);
  });

  it("drops what comes while it is full, counts it, and holds no more than it may", async () => {
    const { buffer, sends, losses } = bufferOf();
    for (let item = 0; item < 1000; item++) buffer.add(item);
    expect(buffer.size).toBe(10);
    expect(losses.filter(([reason]) => reason === "full")).toHaveLength(1000 - 3 - 10);
    expect(sends).toHaveLength(1);
  });

  it("gives up a batch that is refused, or not answered in time, and goes on", async () => {
    const { buffer, clock, sends, losses } = bufferOf();
    for (let item = 0; item < 6; item++) buffer.add(item);
    sends[0]?.reject(new Error("no"));
    await settled();
    expect(losses).toEqual([["failed", 3]]);
    await clock.advance(1000);
    await settled();
    expect(losses).toEqual([
      ["failed", 3],
      ["failed", 3],
    ]);
    buffer.add(7);
    await clock.advance(100);
    expect(sends.at(-1)?.items).toEqual([7]);
  });

  it("sends what is left when it is closed", async () => {
    const { buffer, sends, losses } = bufferOf();
    buffer.add(1);
    const closed = buffer.close(500);
    expect(sends[0]?.items).toEqual([1]);
    sends[0]?.resolve();
    await closed;
    expect(losses).toEqual([]);
    buffer.add(2);
    expect(losses).toEqual([["full", 1]]);
  });

  it("ends in time with a receiver that is dead, and counts all that is lost", async () => {
    const { buffer, clock, losses } = bufferOf();
    for (let item = 0; item < 8; item++) buffer.add(item);
    const closed = buffer.close(500);
    await clock.advance(500);
    await closed;
    expect(losses).toEqual([
      ["late", 5],
      ["failed", 3],
    ]);
  });
});
