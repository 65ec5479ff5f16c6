import { describe, expect, it } from "vitest";
import { parseHeader, parseRow, type TraceColumns } from "../../../local/replay/trace-row.ts";

const COLUMNS: TraceColumns = { TIMESTAMP: 0, ContextTokens: 1, GeneratedTokens: 2 };

describe("a trace's header", () => {
  it("finds the columns by name, in any order, behind a byte order mark", () => {
    expect(parseHeader("\uFEFFGeneratedTokens, Model ,TIMESTAMP,ContextTokens")).toEqual({
      ok: true,
      value: { TIMESTAMP: 2, ContextTokens: 3, GeneratedTokens: 0 },
    });
  });

  it("names the columns that are missing", () => {
    expect(parseHeader("TIMESTAMP,Tokens")).toEqual({
      ok: false,
      problem: "the header has no column ContextTokens, GeneratedTokens",
    });
  });
});

describe("a trace's row", () => {
  it("keeps the seven decimals of a timestamp, read as UTC", () => {
    const parsed = parseRow("2023-11-16 18:15:46.6805900,374,44", COLUMNS);
    const value = parsed.ok ? parsed.value : undefined;
    expect(value).toMatchObject({ contextTokens: 374, generatedTokens: 44 });
    // A double of this size resolves 0.25 microseconds.
    expect((value?.atMs ?? 0) - Date.UTC(2023, 10, 16, 18, 15, 46)).toBeCloseTo(680.59, 3);
  });

  it("takes timestamps with a zone and without a fraction", () => {
    const parsed = parseRow("2024-05-10T02:00:00+02:00,1,2", COLUMNS);
    expect(parsed).toMatchObject({ ok: true, value: { atMs: Date.UTC(2024, 4, 10) } });
  });

  it.each([
    ["yesterday,1,2", 'TIMESTAMP is "yesterday"'],
    ["2023-13-40 18:15:46.6805900,1,2", 'TIMESTAMP is "2023-13-40 18:15:46.6805900"'],
    ["2023-11-16 18:15:46.6805900,-1,2", 'ContextTokens is "-1"'],
    ["2023-11-16 18:15:46.6805900,1,2.5", 'GeneratedTokens is "2.5"'],
    ["2023-11-16 18:15:46.6805900,99999999,2", 'ContextTokens is "99999999"'],
    ["2023-11-16 18:15:46.6805900,1", "the column GeneratedTokens is missing"],
    ["2023-11-16 18:15:46.6805900,1,", 'GeneratedTokens is ""'],
  ])("refuses %s", (line, problem) => {
    expect(parseRow(line, COLUMNS)).toEqual({
      ok: false,
      problem: expect.stringContaining(problem),
    });
  });
});

describe("the columns that a trace may have besides", () => {
  const header = parseHeader("TIMESTAMP,ContextTokens,GeneratedTokens,PriorityClass,UserId");
  const columns = header.ok ? header.value : COLUMNS;

  it("say who sent a request and how urgent it is; an empty cell says nothing", () => {
    expect(parseRow("2026-01-05 09:00:00,1,2,3,ann", columns)).toMatchObject({
      value: { priorityClass: 3, userId: "ann" },
    });
    const parsed = parseRow("2026-01-05 09:00:00,1,2,,", columns);
    expect(parsed.ok && Object.keys(parsed.value)).toEqual([
      "atMs",
      "contextTokens",
      "generatedTokens",
    ]);
  });

  it.each([
    ["2026-01-05 09:00:00,1,2,0,ann", 'PriorityClass is "0"'],
    ["2026-01-05 09:00:00,1,2,high,ann", 'PriorityClass is "high"'],
    ["2026-01-05 09:00:00,1,2,1,a b", 'UserId is "a b"'],
  ])("are refused in %j", (line, problem) => {
    expect(parseRow(line, columns)).toEqual({
      ok: false,
      problem: expect.stringContaining(problem),
    });
  });
});
