import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type BatchProgress,
  FIRST_CURSOR,
  lineOutput,
  moveCursor,
  OPEN_LINES,
  parseBatchLine,
} from "../../../shared/jobs/index.ts";

const LARGEST_PIECE = 100;

describe("the course of a batch", () => {
  it("sends each piece once, keeps a bounded number of lines open, and ends with all of them", () => {
    const pieces = fc.array(fc.integer({ min: 1, max: LARGEST_PIECE }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(pieces, fc.infiniteStream(fc.nat(120)), (counts, speeds) => {
        const facts = { pieces: counts, lines: counts.reduce((sum, count) => sum + count, 0) };
        const done = new Map<number, BatchProgress>();
        const sent: number[] = [];
        let cursor = FIRST_CURSOR;
        for (const speed of speeds) {
          const before = cursor.progress;
          const moved = moveCursor(cursor, done, facts);
          cursor = moved.cursor;
          sent.push(...moved.send);
          const { completed, failed } = cursor.progress;
          expect(completed).toBeGreaterThanOrEqual(before.completed);
          expect(failed).toBeGreaterThanOrEqual(before.failed);
          if (cursor.isOver) break;
          let open = 0;
          for (const piece of cursor.open) {
            const count = counts[piece] ?? 0;
            const { completed: ok, failed: bad } = done.get(piece) ?? { completed: 0, failed: 0 };
            open += count - ok - bad;
            const more = Math.min(speed + 1, count - ok - bad);
            done.set(piece, { completed: ok + more - (more % 2), failed: bad + (more % 2) });
          }
          expect(open).toBeLessThan(OPEN_LINES + LARGEST_PIECE);
        }
        expect(sent).toEqual(counts.map((_, piece) => piece));
        expect(cursor.progress.completed + cursor.progress.failed).toBe(facts.lines);
      }),
    );
  });
});

describe("a line of a batch", () => {
  const good = { custom_id: "a", method: "POST", url: "/v1/chat?x=1", body: { model: "m" } };

  it("is read as it is", () => {
    expect(parseBatchLine(JSON.stringify(good))).toEqual({
      customId: "a",
      url: "/v1/chat?x=1",
      body: '{"model":"m"}',
    });
  });

  it.each([
    ["no JSON", "{"],
    ["no JSON object", "[]"],
    ["custom_id", JSON.stringify({ ...good, custom_id: "" })],
    ["custom_id", JSON.stringify({ ...good, custom_id: "x".repeat(257) })],
    ["method", JSON.stringify({ ...good, method: "GET" })],
    ["path", JSON.stringify({ ...good, url: "https://one.test/" })],
    ["path", JSON.stringify({ ...good, url: "//one.test/" })],
    ["path", JSON.stringify({ ...good, url: "/a b" })],
    ["path", JSON.stringify({ ...good, url: "/a\r\nx: y" })],
    ["gateway itself", JSON.stringify({ ...good, url: "/jobs/1" })],
    ["gateway itself", JSON.stringify({ ...good, url: "/operations/status" })],
    ["body", JSON.stringify({ ...good, body: "text" })],
    ["stream", JSON.stringify({ ...good, body: { stream: true } })],
  ])("is refused for its %s: %s", (what, text) => {
    expect(parseBatchLine(text)).toContain(what);
  });

  it("becomes one line, though its answer has many, or is no JSON", () => {
    const name = { requestId: "r", customId: "a" };
    const text = lineOutput(name, { status: 200, text: '{\n "a": 1\n}' });
    expect(text).not.toContain("\n");
    expect(JSON.parse(text)).toEqual({
      id: "batch_req_r",
      custom_id: "a",
      response: { status_code: 200, request_id: "r", body: { a: 1 } },
      error: null,
    });
    expect(JSON.parse(lineOutput(name, { status: 200, text: "a\nb" })).response.body).toBe("a\nb");
  });
});
