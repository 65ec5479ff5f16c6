import { renderTable } from "../replay/table.ts";
import { countCell, moneyCell, shareCell } from "./cells.ts";
import { timeCell } from "./report.ts";
import type { ClassResult, SimulationResult } from "./result.ts";

type Show = (value: number) => string;

/** One figure of a result, and how it is shown. */
interface Figure {
  readonly name: string;
  readonly value: number | null;
  readonly show: Show;
}

/** Two results side by side, with what the second one changes. */
export function renderComparison(before: SimulationResult, after: SimulationResult): string {
  const others = new Map(figuresOf(after).map((figure) => [figure.name, figure]));
  const known = figuresOf(before);
  const names = new Set(known.map(({ name }) => name));
  const added = [...others.values()].filter(({ name }) => !names.has(name));
  const pairs = [
    ...known.map(
      (figure) => [figure, figure.value, others.get(figure.name)?.value ?? null] as const,
    ),
    ...added.map((figure) => [figure, null, figure.value] as const),
  ];
  // What happened in neither of them, or cannot be measured, needs no line.
  const rows = pairs
    .filter(([, first, second]) => first || second)
    .map(([figure, first, second]) => row(figure, first, second));
  const header = ["", before.settings, after.settings, "difference"];
  return `${renderTable(header, rows)}\n`;
}

function row({ name, show }: Figure, before: number | null, after: number | null): string[] {
  const cell = (value: number | null): string => (value === null ? "-" : show(value));
  return [name, cell(before), cell(after), difference(before, after, show)];
}

function difference(before: number | null, after: number | null, show: Show): string {
  if (before === null || after === null) return "-";
  const change = after - before;
  if (show(Math.abs(change)) === show(0)) return "=";
  const sign = change < 0 ? "-" : "+";
  return `${sign}${show(Math.abs(change))}`;
}

function figuresOf(result: SimulationResult): Figure[] {
  const { all, classes, backends } = result;
  const figure = (name: string, value: number | null, show: Show): Figure => ({
    name,
    value,
    show,
  });
  return [
    ...classes.flatMap((each) => classFigures(`class ${each.priorityClass}`, each)),
    ...classFigures("all", all),
    ...backends.flatMap(({ id, utilisation, peakUtilisation, answered, cost }) => [
      figure(`${id} answered`, answered, countCell),
      figure(`${id} used`, utilisation, shareCell),
      figure(`${id} peak minute`, peakUtilisation, shareCell),
      figure(`${id} cost`, cost, moneyCell),
    ]),
    figure("spill cost", all.spilled.cost, moneyCell),
    figure("cost", result.cost, moneyCell),
    figure("429 from backends", result.throttled, countCell),
    figure("retries", result.retries, countCell),
    figure("breakers opened", result.breakerOpenings, countCell),
    figure("answers/s", result.requestsPerSecond, moneyCell),
    figure("tokens/s", result.tokensPerSecond, countCell),
  ];
}

function classFigures(name: string, result: ClassResult): Figure[] {
  const { wait, firstByte, spilled } = result;
  const count = (what: string, value: number): Figure => ({
    name: `${name} ${what}`,
    value,
    show: countCell,
  });
  const time = (what: string, value: number | null): Figure => ({
    name: `${name} ${what}`,
    value,
    show: timeCell,
  });
  return [
    count("answered", result.answered),
    count("expired", result.expired),
    count("refused", result.refused),
    count("failed", result.failed),
    time("wait p50", wait.p50),
    time("wait p95", wait.p95),
    time("wait p99", wait.p99),
    time("wait max", wait.max),
    time("ttft p95", firstByte.p95),
    count("spilled", spilled.requests),
  ];
}
