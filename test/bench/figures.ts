/** One measured value, with what it is meant to reach. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly aim: string;
}

/** Prints figures as a table. */
export function printFigures(figures: readonly Figure[]): void {
  const rows = figures.map(({ name, value, unit, aim }) => [
    name,
    `${format(value)} ${unit}`,
    aim,
    verdict(value, aim),
  ]);
  const header = ["what", "measured", "aim", ""];
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  console.log([line(header), ...rows.map(line)].join("\n"));
}

const AIM = /^(<=|>=|<|>|=) ([\d.]+)$/;

/** Whether a value reaches its aim; says nothing where no number is aimed at. */
function verdict(value: number, aim: string): "met" | "MISSED" | "" {
  const [, relation, bound] = AIM.exec(aim) ?? [];
  if (relation === undefined) return "";
  const distance = value - Number(bound);
  const isMet =
    (relation.includes("=") && distance === 0) ||
    (relation.startsWith("<") && distance < 0) ||
    (relation.startsWith(">") && distance > 0);
  return isMet ? "met" : "MISSED";
}

const format = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : value.toFixed(2);

/** The value below which the given part of the samples lies. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** Jain's fairness index: 1 when all get the same, 1/n when one gets everything. */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return (sum * sum) / (shares.length * squares);
}
