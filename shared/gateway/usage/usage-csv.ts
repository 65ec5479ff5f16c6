import type { UsageRow } from "../../api/index.ts";

// What a spreadsheet takes for a formula, in full width, too; a name that callers choose must not become one.
// https://owasp.org/www-community/attacks/CSV_Injection
const FORMULA = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;
const NEEDS_QUOTES = /[",\r\n]/;

const COUNTS = [
  "answers",
  "reported",
  "estimated",
  "partial",
  "unknown",
  "inputTokens",
  "cachedInputTokens",
  "cacheWriteInputTokens",
  "outputTokens",
  "reasoningTokens",
  "totalTokens",
  "cost",
  "unpricedTokens",
  "failedAttempts",
  "failedTokens",
] as const satisfies readonly (keyof UsageRow)[];

/** Rows as RFC 4180 has them, with a line of names above. */
export function usageCsv(
  groups: readonly (keyof UsageRow)[],
  rows: readonly UsageRow[],
  currency: string,
): string {
  const columns = [...groups, ...COUNTS];
  const lines = rows.map((row) => [...columns.map((name) => row[name] ?? ""), currency]);
  return [[...columns, "currency"], ...lines]
    .map((cells) => `${cells.map(cellOf).join(",")}\r\n`)
    .join("");
}

function cellOf(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
