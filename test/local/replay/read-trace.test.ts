import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { readLines } from "../../../local/replay/read-lines.ts";
import { openTrace, readTrace } from "../../../local/replay/read-trace.ts";
import { collect } from "./collect.ts";

async function* chunksOf(...chunks: string[]): AsyncGenerator<string> {
  yield* chunks;
}

const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n";
const rowsOf = (text: string) => collect(readTrace(chunksOf(text), "trace.csv"));

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "replay-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "trace.csv");
  await writeFile(file, text);
  return file;
}

describe("the lines of a text", () => {
  it("are the same wherever its chunks are cut", async () => {
    const text = "one\r\ntwo\n\nthree";
    const cuts = fc.array(fc.nat(text.length), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const ends = [...places.sort((a, b) => a - b), text.length];
        const chunks = ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end));
        const lines = await collect(readLines(chunksOf(...chunks), "text"));
        expect(lines.map((line) => line.text)).toEqual(["one", "two", "", "three"]);
        expect(lines.map((line) => line.number)).toEqual([1, 2, 3, 4]);
      }),
    );
  });

  it("are never collected without an end in sight", async () => {
    const endless = (async function* () {
      for (;;) yield "x".repeat(1000);
    })();
    await expect(collect(readLines(endless, "image.png"))).rejects.toThrow(
      "image.png, line 1: longer than 4096 characters",
    );
  });
});

describe("reading a trace", () => {
  it("gives the rows of a file and passes over blank lines", async () => {
    const file = await fileWith(
      `${HEADER}2023-11-16 18:15:46.6805900,374,44\r\n\r\n2023-11-16 18:15:50.9951690,396,109`,
    );
    const rows = await collect(await openTrace(file));
    expect(rows.map((row) => [row.contextTokens, row.generatedTokens])).toEqual([
      [374, 44],
      [396, 109],
    ]);
    expect((rows[1]?.atMs ?? 0) - (rows[0]?.atMs ?? 0)).toBeCloseTo(4314.579, 2);
  });

  it("says that the file is not there", async () => {
    const file = join(tmpdir(), "no-such-trace.csv");
    await expect(openTrace(file)).rejects.toThrow(`The trace ${file} cannot be read (ENOENT)`);
    await expect(openTrace(tmpdir())).rejects.toThrow("(not a file)");
  });

  it("names the line that cannot be read", async () => {
    const text = `${HEADER}2023-11-16 18:15:46.68,374,44\n\n2023-11-16 18:15:47.00,many,44\n`;
    await expect(rowsOf(text)).rejects.toThrow('trace.csv, line 4: ContextTokens is "many"');
  });

  it("refuses rows that go back in time, files without a header and empty files", async () => {
    const back = `${HEADER}2023-11-16 18:15:47.0,1,1\n2023-11-16 18:15:46.9,1,1\n`;
    await expect(rowsOf(back)).rejects.toThrow("trace.csv, line 3: earlier than the row before");
    await expect(rowsOf("a,b,c\n")).rejects.toThrow("trace.csv, line 1: the header has no column");
    await expect(rowsOf("")).rejects.toThrow("The trace trace.csv is empty.");
  });
});
