import { readFileSync } from "node:fs";
import { partPid } from "../../support/part-pid.ts";
import type { TestStack } from "../../support/stack.ts";

const PARTS = ["host", "storage", "broker"] as const;

/** Milliseconds of processor time that each part of a stack has used. */
export type ProcessorTime = Readonly<Record<(typeof PARTS)[number], number>>;

// Of a part's line in /proc, behind the name, which may hold anything: user and system time.
const USER_FIELD = 11;
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, in clock ticks of 10 ms
const TICK_MS = 10;

/** What the parts of a stack have used so far; zeros where there is no /proc. */
export async function processorTime({ pid }: TestStack): Promise<ProcessorTime> {
  const used = await Promise.all(
    PARTS.map(async (part) => [part, usedBy(await partPid(pid, part))] as const),
  );
  return Object.fromEntries(used) as ProcessorTime;
}

/** What was used in between, for each of so many jobs. */
export function usedBetween(before: ProcessorTime, after: ProcessorTime, jobs: number) {
  const each = PARTS.map((part) => ({ part, ms: (after[part] - before[part]) / jobs }));
  const total = each.reduce((sum, { ms }) => sum + ms, 0);
  return { total, parts: each.map(({ part, ms }) => `${part} ${ms.toFixed(1)}`).join(", ") };
}

function usedBy(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[USER_FIELD]) + Number(fields[USER_FIELD + 1])) * TICK_MS;
  } catch {
    return 0;
  }
}
