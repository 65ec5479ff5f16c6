import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { probePath } from "./memory-probe.ts";
import type { TestStack } from "./stack.ts";

const KIB = 1024;
// What is held is held for seconds; each look costs the host a collection.
const SAMPLE_MS = 400;

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

const NS_PER_MS = 1e6;

/**
 * The processor time that the threads of a process have used so far, to the nanosecond while they rest. (What
 * `/proc/PID/stat` tells is counted in ticks of 10 ms: a twentieth of a short measurement.)
 */
export function cpuMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const usedNs = readdirSync(tasks).map((task) =>
    Number(readProc(`${tasks}/${task}/schedstat`).split(" ")[0]),
  );
  return usedNs.reduce((sum, ns) => sum + ns, 0) / NS_PER_MS;
}

/**
 * By how many bytes what the host holds grows, at most, while `work` runs. Garbage does not count:
 * how much of it there is depends on when the collector comes, which a test cannot know. The stack
 * is started with `MEMORY_PROBE`.
 */
export async function hostGrowth(stack: TestStack, work: () => Promise<void>): Promise<number> {
  const pid = hostPid(stack);
  const before = await liveBytes(pid);
  let highest = before;
  const over = new AbortController();
  const sampling = (async () => {
    while (!over.signal.aborted) {
      highest = Math.max(highest, await liveBytes(pid));
      await pause(SAMPLE_MS);
    }
  })();
  try {
    await work();
  } finally {
    over.abort();
    await sampling;
  }
  return highest - before;
}

async function liveBytes(pid: number): Promise<number> {
  const bytes = Number(await text(connect(probePath(pid))));
  if (!(bytes > 0)) throw new Error(`The process ${pid} does not tell what it holds.`);
  return bytes;
}
