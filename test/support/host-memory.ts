import { readdirSync, readFileSync } from "node:fs";
import type { TestStack } from "./stack.ts";

const KIB = 1024;
const SAMPLE_MS = 20;

/** Whether this system tells what memory another process has. */
export const canMeasureMemory = process.platform === "linux";

/** The process of a stack in which the app runs. */
export function hostPid({ dataDir }: TestStack): number {
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    const words = readProc(`/proc/${name}/cmdline`).split("\0");
    const isHost = words.some(
      (word, at) => word.endsWith("service-entry.ts") && words[at + 1] === "host",
    );
    if (!isHost) continue;
    const environment = readProc(`/proc/${name}/environ`);
    if (words.some((word) => word.includes(dataDir)) || environment.includes(dataDir)) {
      return Number(name);
    }
  }
  throw new Error("The stack has no host process.");
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Another process may end at any time.
    return "";
  }
}

/** What a process holds in memory. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`))?.[1];
  if (kib === undefined) throw new Error(`The process ${pid} has ended.`);
  return Number(kib) * KIB;
}

// What the kernel counts in, on every Linux there is.
const TICKS_PER_SECOND = 100;

/** The processor time that a process has used so far. */
export function cpuMs(pid: number): number {
  // Behind the name, which may hold spaces: state, ..., then user and system time as 12th and 13th.
  const fields = readProc(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000;
}

/** By how many bytes the host grows, at most, while `work` runs. */
export async function hostGrowth(stack: TestStack, work: () => Promise<void>): Promise<number> {
  const pid = hostPid(stack);
  const before = residentBytes(pid);
  let highest = before;
  const timer = setInterval(() => {
    highest = Math.max(highest, residentBytes(pid));
  }, SAMPLE_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Math.max(highest, residentBytes(pid)) - before;
}
