/** Rows of text as an aligned table: the first `leftColumns` columns to the left, numbers to the right. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  leftColumns = 1,
): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  const align = (line: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = line[column] ?? "";
        return column < leftColumns ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [align(header), rule, ...rows.map(align)].join("\n");
}

const SECOND_MS = 1000;
const TEN_SECONDS_MS = 10_000;

/** A duration for a table's cell: whole milliseconds below ten seconds, else tenths of a second. */
export function durationCell(ms: number | undefined): string {
  if (ms === undefined) return "-";
  if (ms < TEN_SECONDS_MS) return `${Math.round(ms)} ms`;
  return `${(ms / SECOND_MS).toFixed(1)} s`;
}
