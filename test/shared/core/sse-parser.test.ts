import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SseEvent } from "../../../shared/core/sse-event.ts";
import { SseParser } from "../../../shared/core/sse-parser.ts";

type Seen = Pick<SseEvent, "event" | "data" | "id">;

function parse(chunks: readonly Uint8Array[], maxEventBytes?: number): SseEvent[] {
  const events: SseEvent[] = [];
  const onEvent = (event: SseEvent): void => void events.push(event);
  const parser = new SseParser(
    maxEventBytes === undefined ? { onEvent } : { onEvent, maxEventBytes },
  );
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

const seen = (events: readonly SseEvent[]): Seen[] =>
  events.map(({ event, data, id }) => ({ event, data, id }));
const read = (text: string): Seen[] => seen(parse([Buffer.from(text)]));
const data = (...values: string[]): Seen[] =>
  values.map((value) => ({ event: "", data: value, id: "" }));

describe("SseParser", () => {
  it.each([
    ["line feeds", "data: a\n\ndata: b\n\n"],
    ["carriage returns", "data: a\r\rdata: b\r\r"],
    ["both", "data: a\r\n\r\ndata: b\r\n\r\n"],
    ["a mixture", "data: a\r\n\ndata: b\r\r\n"],
  ])("ends lines with %s", (_, text) => {
    expect(read(text)).toEqual(data("a", "b"));
  });

  it("joins the data of an event by line feeds, and keeps empty ones", () => {
    expect(read("data: a\ndata\ndata:\ndata:  b\n\n")).toEqual(data("a\n\n\n b"));
  });

  it("gives an event whose only data is empty, and none without data", () => {
    expect(read("data:\n\nevent: ping\n\nid: 1\n\n\n\n")).toEqual(data(""));
  });

  it("takes one space off a value, and a field without a colon as empty", () => {
    expect(read("data:a\n\ndata: a\n\ndata:  a\n\n")).toEqual(data("a", "a", " a"));
  });

  it("forgets an event's name with the event, and keeps the id", () => {
    expect(read("id: 7\nevent: x\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")).toEqual([
      { event: "x", data: "a", id: "7" },
      { event: "", data: "b", id: "7" },
      { event: "", data: "c", id: "" },
    ]);
  });

  it("skips comments, unknown fields and ids with a NUL", () => {
    expect(read(": hi\nretry: 5\nfoo: bar\nid: a\0b\n:data: no\ndata: a\n\n")).toEqual(data("a"));
  });

  it.each(["\ufeffdata: a\n\n", "\ufeff\ndata: a\n\n"])(
    "takes a BOM off the beginning (%j)",
    (text) => {
      expect(read(text)).toEqual(data("a"));
    },
  );

  it("takes a BOM elsewhere as part of a field's name", () => {
    expect(read("\n\ufeffdata: a\n\ndata: b\n\n")).toEqual(data("b"));
  });

  it("gives no event without its blank line, until the stream ends", () => {
    const events: SseEvent[] = [];
    const parser = new SseParser({ onEvent: (event) => void events.push(event) });
    parser.push(Buffer.from("data: a\ndata: b"));
    expect(events).toEqual([]);
    parser.end();
    expect(seen(events)).toEqual(data("a\nb"));
    parser.end();
    expect(events).toHaveLength(1);
  });

  it("says where in its chunk an event ends", () => {
    const events = parse([Buffer.from("data: a\n"), Buffer.from("\r\ndata: b\r\n\r\nrest")]);
    expect(events.map(({ endsAt }) => endsAt)).toEqual([2, 13]);
  });

  it.each([
    ["one endless line", ["data: ", "x".repeat(50), "x".repeat(50), "\n\n"]],
    ["endless lines", [...Array.from({ length: 40 }, () => "data: xxx\n"), "\n"]],
    ["a line in one piece", [`data: ${"x".repeat(100)}\n\n`]],
  ])("cuts an event that is too long, in %s, and reads the next", (_, pieces) => {
    const chunks = [...pieces, "data: b\n\n"].map((text) => Buffer.from(text));
    const [long, next] = parse(chunks, 32);
    expect(long?.isTruncated).toBe(true);
    expect(long?.data.length).toBeLessThanOrEqual(32);
    expect(next).toMatchObject({ data: "b", isTruncated: false });
  });

  it("reads text that is no UTF-8 without an error", () => {
    const [event] = parse([Buffer.from([...Buffer.from("data: "), 0xff, 0xfe, 0x0a, 0x0a])]);
    expect(event?.data).toBe("\ufffd\ufffd");
  });

  it("leaves the bytes that it looks at as they are", () => {
    const chunk = Buffer.from("\ufeffdata: ä\r\n\r\ndata: half");
    const before = Buffer.from(chunk);
    parse([chunk]);
    expect(chunk.equals(before)).toBe(true);
  });

  const line = fc.oneof(
    fc.constantFrom("data", "data:", ": comment", "event: e", "id: 1", "", "", "data: [DONE]"),
    fc
      .string({ unit: "grapheme", maxLength: 6 })
      .map((text) => `data: ${text.replace(/[\r\n]/g, "")}`),
  );
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 12 })
    .chain((lines) =>
      fc
        .constantFrom("", "\ufeff")
        .map((bom) => bom + lines.map(([text, end]) => text + end).join("")),
    );

  it("reads the same events however the bytes are cut", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(200), { maxLength: 20 }), (text, cuts) => {
        const bytes = Buffer.from(text);
        const whole = seen(parse([bytes]));
        expect(seen(parse(split(bytes, cuts)))).toEqual(whole);
        expect(seen(parse([...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it("reads the same events for every cut in two, inside characters and line ends too", () => {
    const bytes = Buffer.from(
      "\ufeffid: 1\r\nevent: ä\r\ndata: 😀\r\rdata: x\n\r\n: c\ndata: ü\n\n",
    );
    const whole = seen(parse([bytes]));
    expect(whole).toHaveLength(3);
    for (let at = 0; at <= bytes.length; at++) {
      expect(seen(parse([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(whole);
    }
  });

  it("reads no event but those that hold what is looked for, however the bytes are cut", () => {
    const one = fc.constantFrom(
      "data: dull",
      ": dull\ndata: a",
      "data: told",
      "event: told\ndata: b",
    );
    const ends = fc.constantFrom("\n\n", "\r\n\r\n", "\r\r");
    const events = fc.array(fc.tuple(one, ends), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(events, fc.array(fc.nat(200), { maxLength: 20 }), (list, cuts) => {
        const texts = list.map(([text, end]) => text + end);
        // The first line of all is read by any means: it may begin with a BOM.
        const told = texts.filter((text, index) => index === 0 || text.includes("told"));
        const found: Seen[] = [];
        let passed = "";
        const parser = new SseParser({
          onEvent: ({ event, data, id }) => void found.push({ event, data, id }),
          telling: () => /told/g,
          onBytes: (bytes) => {
            passed += bytes;
          },
        });
        for (const chunk of split(Buffer.from(texts.join("")), cuts)) parser.push(chunk);
        parser.end();
        expect(found).toEqual(read(told.join("")));
        expect(passed).toBe(texts.join(""));
      }),
      { numRuns: 300 },
    );
  });

  it("says where an event ends among others that are not read", () => {
    const ends: number[] = [];
    const parser = new SseParser({
      onEvent: ({ endsAt }) => void ends.push(endsAt),
      telling: () => /told/g,
    });
    parser.push(Buffer.from("data: dull\n\ndata: du"));
    parser.push(Buffer.from("ll\n\ndata: dull\n\ndata: told\n\ndata: dull\n\n"));
    expect(ends).toEqual([12, 28]);
  });

  it("reads what a reader of whole texts reads", () => {
    fc.assert(
      fc.property(stream, (text) => {
        expect(read(text)).toEqual(readWhole(text));
      }),
      { numRuns: 300 },
    );
  });
});

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const points = [...cuts, bytes.length].map((cut) => Math.min(cut, bytes.length));
  const sorted = [0, ...points.sort((a, b) => a - b)];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

/** The standard's algorithm on a text that is all there, written as differently as possible. */
function readWhole(text: string): Seen[] {
  const events: Seen[] = [];
  let id = "";
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/);
  let block: string[] = [];
  for (const line of lines.slice(0, -1)) {
    if (line !== "") {
      block.push(line);
      continue;
    }
    const fields = block.map((field) => /^([^:]*)(?:: ?(.*))?$/su.exec(field) ?? []);
    const valuesOf = (name: string): string[] =>
      fields.flatMap(([, key, value]) => (key === name ? [value ?? ""] : []));
    id = valuesOf("id").at(-1) ?? id;
    const values = valuesOf("data");
    if (values.length > 0) {
      events.push({ event: valuesOf("event").at(-1) ?? "", data: values.join("\n"), id });
    }
    block = [];
  }
  return events;
}
