import { parseArgs } from "node:util";

/** What a run is asked to do. */
export interface ChaosOptions {
  readonly seed: number;
  readonly jobs: number;
  readonly kills: number;
  /** The whole run, from its first job to its last check, in milliseconds. */
  readonly withinMs: number;
  /** Whether the stack's folder stays when something was violated. */
  readonly keepsFolder: boolean;
}

const ARGUMENTS = {
  seed: { type: "string", default: "1" },
  jobs: { type: "string", default: "2000" },
  kills: { type: "string", default: "50" },
  seconds: { type: "string", default: "600" },
  keep: { type: "boolean", default: false },
} as const;

export const USAGE = `Usage: npm run test:chaos -- [options]

  --seed N      seed of everything that is drawn (${ARGUMENTS.seed.default})
  --jobs N      how many jobs are asked for (${ARGUMENTS.jobs.default})
  --kills N     how often something is killed with kill -9 (${ARGUMENTS.kills.default})
  --seconds N   the longest that the run may take (${ARGUMENTS.seconds.default})
  --keep        keep the stack's data folder when something was violated`;

/** Reads the command line; throws with the usage when an option cannot be used. */
export function readOptions(argv: readonly string[]): ChaosOptions {
  const { values } = parseArgs({ args: [...argv], options: ARGUMENTS, allowPositionals: false });
  return {
    seed: wholeNumber("seed", values.seed),
    jobs: wholeNumber("jobs", values.jobs),
    kills: wholeNumber("kills", values.kills),
    withinMs: wholeNumber("seconds", values.seconds) * 1000,
    keepsFolder: values.keep,
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, not "${text}".\n\n${USAGE}`);
}
