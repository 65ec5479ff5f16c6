import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");

/** The rows of every table in a document, as cells without back-ticks; heads and rules left out. */
export function tableRows(path: string): string[][] {
  const lines = readFileSync(join(ROOT, path), "utf8").split("\n");
  return lines
    .filter((line, index) => isRow(line) && !isRule(line) && !isRule(lines[index + 1] ?? ""))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map(cell),
    );
}

const isRow = (line: string): boolean => line.startsWith("|");
const isRule = (line: string): boolean => /^\|[-| :]+\|$/.test(line);
const cell = (text: string): string => text.trim().replaceAll("`", "");
