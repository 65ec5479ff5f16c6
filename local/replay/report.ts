import type { Histogram } from "./histogram.ts";
import { MODES } from "./mix.ts";
import type { ReplayResult } from "./replay.ts";
import { durationCell, renderTable } from "./table.ts";
import type { ModeTally, Tally } from "./tally.ts";

const PERCENTILES = [0.5, 0.95, 0.99] as const;
const PERCENTILE_NAMES = PERCENTILES.map((share) => `p${share * 100}`);
const SECOND_MS = 1000;
// Timers are a few milliseconds late on a busy machine; from here on it changes what is measured.
const NOTABLE_LATENESS_MS = 100;

/** What a replay found, for a person: the modes, the waits by class, and what failed. */
export function renderReport({ tally, durationMs }: ReplayResult): string {
  const sections = [modeTable(tally, durationMs), waitTable(tally), notes(tally), failures(tally)];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function modeTable(tally: Tally, durationMs: number): string {
  const header = [
    "mode",
    "sent",
    "answered",
    "failed",
    ...percentileHeader("ttft"),
    ...percentileHeader("total"),
    "tokens/s",
  ];
  const row = (name: string, mode: ModeTally): string[] => [
    name,
    String(mode.sent),
    String(mode.answered),
    String(mode.failed),
    ...percentileCells(mode.firstToken),
    ...percentileCells(mode.total),
    rateCell(mode.outputTokens, durationMs),
  ];
  const rows = MODES.map((mode) => row(mode, tally.mode(mode)));
  return renderTable(header, [...rows, row("total", tally.total())]);
}

function waitTable({ waits }: Tally): string {
  if (waits.length === 0) return "";
  const header = ["wait of class", "mode", "measured by", "requests", ...PERCENTILE_NAMES, "max"];
  const rows = waits.map(({ priorityClass, mode, source, waits: histogram }) => [
    String(priorityClass),
    mode,
    source,
    String(histogram.count),
    ...percentileCells(histogram),
    durationCell(histogram.percentile(1)),
  ]);
  return renderTable(header, rows, 3);
}

function notes({ promoted, interrupted, lateness }: Tally): string {
  const lateMs = lateness.percentile(0.99) ?? 0;
  const lines = [
    promoted > 0 && `Requests that the gateway made jobs of without being asked: ${promoted}.`,
    interrupted > 0 && `Unanswered when the replay was stopped: ${interrupted}.`,
    lateMs >= NOTABLE_LATENESS_MS &&
      `This machine could not keep the trace's pace (lateness p99 ${durationCell(lateMs)}): use a lower --speed.`,
  ];
  return lines.filter((line) => line !== false).join("\n");
}

function failures(tally: Tally): string {
  if (tally.failures.length === 0) return "";
  const rows = tally.failures.map(({ kind, count, example }) => [kind, example, String(count)]);
  const width = Math.max(...rows.map(([kind = ""]) => kind.length));
  const countWidth = Math.max(...rows.map((row) => (row[2] ?? "").length));
  const lines = rows.map(
    ([kind = "", example = "", count = ""]) =>
      `  ${count.padStart(countWidth)} x ${kind.padEnd(width)}  ${example}`,
  );
  return ["Failures, each kind with its first example:", ...lines].join("\n");
}

/** `ttft p50`, `p95`, `p99`: the first of a group names it, so that the table fits a terminal. */
const percentileHeader = (group: string): string[] =>
  PERCENTILE_NAMES.map((name, index) => (index === 0 ? `${group} ${name}` : name));

const percentileCells = (histogram: Histogram): string[] =>
  PERCENTILES.map((share) => durationCell(histogram.percentile(share)));

const rateCell = (tokens: number, durationMs: number): string =>
  durationMs > 0 ? ((tokens * SECOND_MS) / durationMs).toFixed(0) : "-";
