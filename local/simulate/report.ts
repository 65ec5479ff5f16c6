import { durationCell, renderTable } from "../replay/table.ts";
import { countCell, moneyCell, shareCell } from "./cells.ts";
import type { ClassResult, SimulationResult } from "./result.ts";

/** What a simulation came to, for a person. */
export function renderResult(result: SimulationResult): string {
  const sections = [classTable(result), backendTable(result), spillTable(result), notes(result)];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** A duration for a table's cell, or a dash where there was none. */
export const timeCell = (ms: number | null): string => durationCell(ms ?? undefined);

function classTable({ classes, all }: SimulationResult): string {
  const header = [
    "class",
    "arrived",
    "answered",
    "expired",
    "refused",
    "failed",
    "wait p50",
    "p95",
    "p99",
    "max",
    "ttft p50",
    "p95",
    "total p50",
    "p95",
  ];
  const row = (name: string, { wait, firstByte, total, ...counts }: ClassResult): string[] => [
    name,
    ...[counts.arrived, counts.answered, counts.expired, counts.refused, counts.failed].map(
      countCell,
    ),
    ...[wait.p50, wait.p95, wait.p99, wait.max].map(timeCell),
    ...[firstByte.p50, firstByte.p95, total.p50, total.p95].map(timeCell),
  ];
  const rows = classes.map((result) => row(String(result.priorityClass), result));
  return renderTable(header, [...rows, row("all", all)]);
}

function backendTable({ backends }: SimulationResult): string {
  const header = [
    "backend",
    "tier",
    "calls",
    "answered",
    "429",
    "failed",
    "cancelled",
    "used",
    "peak min",
    "prompt tokens",
    "output tokens",
    "breaker opened",
    "cost",
  ];
  const rows = backends.map((backend) => [
    backend.id,
    ...[
      backend.tier,
      backend.calls,
      backend.answered,
      backend.throttled,
      backend.failed,
      backend.cancelled,
    ].map(countCell),
    shareCell(backend.utilisation),
    shareCell(backend.peakUtilisation),
    ...[backend.promptTokens, backend.outputTokens, backend.breakerOpenings].map(countCell),
    moneyCell(backend.cost),
  ]);
  return renderTable(header, rows);
}

function spillTable({ classes, all }: SimulationResult): string {
  if (all.spilled.requests === 0) return "";
  const header = ["spilled", "requests", "of answered", "after p50", "p95", "max", "cost"];
  const row = (name: string, { spilled, answered }: ClassResult): string[] => [
    name,
    countCell(spilled.requests),
    shareCell(answered > 0 ? spilled.requests / answered : null),
    ...[spilled.wait.p50, spilled.wait.p95, spilled.wait.max].map(timeCell),
    moneyCell(spilled.cost),
  ];
  const rows = classes.map((result) => row(`class ${result.priorityClass}`, result));
  return renderTable(header, [...rows, row("all", all)]);
}

function notes(result: SimulationResult): string {
  const { simulatedMs, throttled, retries, requeued, breakerOpenings, cost, unanswered } = result;
  const reasons = Object.entries(unanswered).map(([code, count]) => `${code} ${countCell(count)}`);
  const lines = [
    `${(simulatedMs / 60_000).toFixed(1)} minutes: ${result.requestsPerSecond.toFixed(2)} answers/s, ` +
      `${countCell(result.tokensPerSecond)} tokens/s, cost ${moneyCell(cost)}.`,
    `429 from backends: ${countCell(throttled)}; retries: ${countCell(retries)}; waited for a backend: ` +
      `${countCell(requeued)}; breakers opened: ${countCell(breakerOpenings)}.`,
    ...(reasons.length > 0 ? [`Not answered: ${reasons.join(", ")}.`] : []),
  ];
  return lines.join("\n");
}
