import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SseParser } from "../../../../shared/core/sse-parser.ts";
import { SseFrames } from "../../../../shared/gateway/results/sse-frames.ts";

interface Seen {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

function eventsIn(bytes: Uint8Array): Seen[] {
  const seen: Seen[] = [];
  const parser = new SseParser({
    onEvent: ({ event, data, id }) => void seen.push({ event, data, id }),
  });
  parser.push(bytes);
  parser.end();
  return seen;
}

const withoutId = ({ event, data }: Seen) => ({ event, data });

/** All that a reader gets who begins at an offset, with the stream cut into pieces. */
function framesFrom(whole: Buffer, offset: number, cuts: readonly number[] = []): Buffer {
  const frames = new SseFrames(3, offset);
  const places = [offset, ...cuts.map((cut) => offset + (cut % (whole.length - offset + 1)))];
  const sorted = [...places, whole.length].sort((a, b) => a - b);
  const pieces = sorted.slice(1).map((end, n) => frames.push(whole.subarray(sorted[n] ?? 0, end)));
  return Buffer.concat([...pieces, frames.end()]);
}

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const field = fc.constantFrom("data: a", "data: é€", "event: delta", "id: own-7", ": note", "data");
const stream = fc
  .array(fc.tuple(fc.array(fc.tuple(field, lineEnd), { maxLength: 4 }), lineEnd), { maxLength: 8 })
  .map((events) =>
    Buffer.from(
      events
        .map(([lines, blank]) => lines.map(([text, end]) => text + end).join("") + blank)
        .join(""),
    ),
  );

describe("the events of a stored stream", () => {
  it("are those of the backend, whole, however their bytes come", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 6 }), (whole, cuts) => {
        const seen = eventsIn(framesFrom(whole, 0, cuts));
        expect(seen.map(withoutId)).toEqual(eventsIn(whole).map(withoutId));
      }),
    );
  });

  it("have ids, each of which goes on behind its event, whatever ids the backend gave", () => {
    fc.assert(
      fc.property(stream, (whole) => {
        const all = eventsIn(framesFrom(whole, 0));
        for (const [n, { id }] of all.entries()) {
          const [, offset] = /^3-(\d+)$/.exec(id) ?? [];
          const rest = eventsIn(framesFrom(whole, Number(offset)));
          expect(rest.map(withoutId)).toEqual(all.slice(n + 1).map(withoutId));
        }
      }),
    );
  });

  it("wait for their end", () => {
    const frames = new SseFrames(1, 0);
    expect(frames.push(Buffer.from("data: a\n")).toString()).toBe("");
    expect(frames.id).toBe("1-0");
    expect(frames.push(Buffer.from("\ndata: b")).toString()).toBe("data: a\nid: 1-9\n\n");
    expect([frames.id, frames.nextOffset]).toEqual(["1-9", 16]);
    expect(frames.end().toString()).toBe("data: b\nid: 1-16\n\n");
  });

  it("are not held without bound", () => {
    const frames = new SseFrames(1, 0);
    const piece = Buffer.alloc(5 * 1024 * 1024, "x");
    expect(frames.push(piece).byteLength).toBe(0);
    expect(frames.push(piece).byteLength).toBe(10 * 1024 * 1024);
    expect(frames.push(Buffer.from("\n\n")).toString()).toBe(`\nid: 1-${10 * 1024 * 1024 + 2}\n\n`);
  });
});
