import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { shippedLanes } from "../../shared/config/index.ts";
import { tableRows } from "../support/markdown-table.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const PAGE = "docs/capacity.md";
const text = readFileSync(join(ROOT, PAGE), "utf8");

// Gigabytes are the measure; a word after a number that is none of these counts for nothing.
const SCALES: Readonly<Record<string, number>> = {
  "%": 0.01,
  thousand: 1e3,
  million: 1e6,
  trillion: 1e12,
  KB: 1e-6,
};
const NUMBER = String.raw`\d[\d,]*(?:\.\d+)?|½`;
const OPERAND = `(?:${NUMBER})(?: (?:%|[A-Za-z]+))*`;
const EQUATION = new RegExp(`(${OPERAND}(?: [×/+] ${OPERAND})+) = (${OPERAND})`, "g");
/** Figures are rounded to three places or so. */
const ROUNDED = 0.004;

function amountIn(operand: string): number {
  const [number = "", ...words] = operand.split(" ");
  const value = number === "½" ? 0.5 : Number(number.replaceAll(",", ""));
  return words.reduce((left, word) => left * (SCALES[word] ?? 1), value);
}

function resultOf(expression: string): number {
  const [first = "", ...rest] = expression.split(/ (?=[×/+] )/);
  return rest.reduce((left, step) => {
    const right = amountIn(step.slice(2));
    if (step.startsWith("+")) return left + right;
    return step.startsWith("/") ? left / right : left * right;
  }, amountIn(first));
}

const equations = [...text.matchAll(EQUATION)].map(([, left = "", right = ""]) => [left, right]);
/** What costs what: four cells, of which the last is money. */
const bills = tableRows(PAGE).filter(
  (cells) => cells.length === 4 && /^\*{0,2}\d[\d,]*\*{0,2}$/.test(cells[3] ?? ""),
);
const numberIn = (cell = ""): number => Number(cell.replaceAll(/[*,]/g, ""));

describe("docs/capacity.md", () => {
  it("has arithmetic to be checked", () => {
    expect(equations.length).toBeGreaterThan(15);
    expect(bills.length).toBeGreaterThan(7);
  });

  it.each(equations)("is right: %s = %s", (left = "", right = "") => {
    const [result, stated] = [resultOf(left), amountIn(right)];
    const isWhole = Math.ceil(result) === stated;
    expect(isWhole || Math.abs(result - stated) <= stated * ROUNDED, `${result}`).toBe(true);
  });

  it.each(bills.filter(([, , price]) => price))(
    "bills rightly: %s, %s at %s",
    (_, quantity = "", price = "", dollars = "") => {
      const amount = quantity.split(" = ").at(-1) ?? "";
      const each = amountIn(price.split(" a ")[0] ?? "");
      const per = amountIn(`1 ${price.split(" a ")[1] ?? ""}`);
      const cost = (resultOf(amount) * each) / per;
      expect(Math.abs(cost - numberIn(dollars)) / cost, `${cost}`).toBeLessThan(ROUNDED);
    },
  );

  it("adds up", () => {
    const total = bills.findIndex(([label]) => label === "**the gateway**");
    const sum = bills.slice(0, total).reduce((left, row) => left + numberIn(row[3]), 0);
    expect(numberIn(bills[total]?.[3])).toBe(sum);
  });

  it("speaks of what is shipped: the lanes, the scenarios, what was measured", () => {
    const rows = new Map(tableRows(PAGE).map(([name, ...cells]) => [name, cells]));
    for (const { name, concurrency } of shippedLanes().lanes) {
      expect(rows.get(name)?.[2]).toBe(String(concurrency));
    }
    const said = rows.get("calls at once, an instance (httpConcurrency)")?.[0];
    for (const scenario of ["standard", "performance"]) {
      const path = join(ROOT, "infra", "scenarios", `${scenario}.json`);
      const { stream, jobs } = JSON.parse(readFileSync(path, "utf8"));
      expect(said).toContain(`${stream.httpConcurrency} in ${scenario}`);
      expect([stream.workers, jobs.workers]).toEqual([
        stream.httpConcurrency,
        jobs.httpConcurrency,
      ]);
    }
    const measured = /handed on ([\d,]+) small requests/.exec(text)?.[1];
    const benchmarks = readFileSync(join(ROOT, "docs", "benchmarks.md"), "utf8");
    expect(benchmarks).toContain(`| ${measured} |`);
  });
});
