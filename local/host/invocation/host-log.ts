import type { LocalLog } from "../../service.ts";
import type { RpcLogLevel } from "../core/core-types.ts";

const RANK: Record<RpcLogLevel, number> = {
  trace: 0,
  debug: 1,
  information: 2,
  warning: 3,
  error: 4,
  critical: 5,
  none: 6,
};

/** Minimum levels by category, as host.json's `logging.logLevel` has them. */
export type LogLevels = Readonly<Record<string, RpcLogLevel>>;

/** Prints what the app and the platform say, from the level on that host.json sets. */
export interface HostLog {
  /** A line of `context.log` and its kin, printed with the function's name. */
  user(functionName: string, level: RpcLogLevel, message: string): void;
  /** A line of the library; those below warning are of interest to its authors only. */
  system(level: RpcLogLevel, message: string): void;
  /** Something that went wrong with a function: printed always. */
  failure(functionName: string, message: string): void;
}

/** Creates the host's log. Which categories print is decided once per function, not per line. */
export function createHostLog(print: LocalLog, levels: LogLevels): HostLog {
  const minimumRanks = new Map<string, number>();
  const minimumRank = (functionName: string): number => {
    const known = minimumRanks.get(functionName);
    if (known !== undefined) return known;
    const rank = RANK[levelOf(`Function.${functionName}.User`, levels)];
    minimumRanks.set(functionName, rank);
    return rank;
  };
  return {
    user(functionName, level, message) {
      if (RANK[level] < minimumRank(functionName) || level === "none") return;
      const mark = RANK[level] > RANK.information ? `${level}: ` : "";
      print(`[${functionName}] ${mark}${message}`);
    },
    system(level, message) {
      if (RANK[level] >= RANK.warning && level !== "none") print(`[host] ${level}: ${message}`);
    },
    failure: (functionName, message) => print(`[${functionName}] ${message}`),
  };
}

/** The level of the longest category in `levels` that `category` is, or lies below. */
export function levelOf(category: string, levels: LogLevels): RpcLogLevel {
  const path = category.toLowerCase();
  let best: { length: number; level: RpcLogLevel } | undefined;
  for (const [name, level] of Object.entries(levels)) {
    const prefix = name.toLowerCase();
    const applies = path === prefix || path.startsWith(`${prefix}.`);
    if (applies && (!best || prefix.length > best.length)) best = { length: prefix.length, level };
  }
  return best?.level ?? levels["default"] ?? levels["Default"] ?? "information";
}
