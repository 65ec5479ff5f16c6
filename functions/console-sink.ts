import type { Settings } from "../shared/config/index.ts";
import { redactValue, type Sink } from "../shared/telemetry/index.ts";

const LEVELS = { Information: 0, Warning: 1, Error: 2 } as const;
const RANKS = { info: 0, warning: 1, error: 2 } as const;

/** Writes events as lines of JSON, from a level on, and no secret that an error may speak of. */
export function consoleSink(logLevel: Settings["logLevel"]): Sink {
  return {
    hears: ({ level }) => RANKS[level] >= LEVELS[logLevel],
    take({ event, level, ...facts }) {
      const stream = level === "error" ? process.stderr : process.stdout;
      stream.write(`${JSON.stringify(redactValue({ event, level, ...facts }))}\n`);
    },
  };
}
