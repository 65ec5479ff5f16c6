import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What is remembered of a timer between runs of the host; times are epoch milliseconds. */
export interface ScheduleStatus {
  /** Absent until the first run. */
  lastAt: number | undefined;
  nextAt: number;
  lastUpdatedAt: number;
}

/** Keeps the status of timers. */
export interface TimerStore {
  read(functionName: string): ScheduleStatus | undefined;
  write(functionName: string, status: ScheduleStatus): void;
}

/** Keeps one small file a timer below the host's data folder. */
export function createTimerStore(dataDir: string): TimerStore {
  const folder = join(dataDir, "timers");
  const path = (functionName: string): string => join(folder, `${functionName.toLowerCase()}.json`);
  return {
    read(functionName) {
      try {
        const status = JSON.parse(readFileSync(path(functionName), "utf8")) as ScheduleStatus;
        return Number.isFinite(status.nextAt) ? status : undefined;
      } catch {
        // Absent, or half a disk away: the timer then starts as if new, as on the platform.
        return undefined;
      }
    },
    write(functionName, status) {
      mkdirSync(folder, { recursive: true });
      const temporary = `${path(functionName)}.new`;
      writeFileSync(temporary, JSON.stringify(status));
      renameSync(temporary, path(functionName));
    },
  };
}
