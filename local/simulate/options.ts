import { readCommandLine } from "../command-line.ts";
import { readInteger } from "../replay/read-integer.ts";
import { StartError } from "../service.ts";
import { type ClassShares, parseClassShares } from "./class-shares.ts";

/** What a simulation is asked to do. */
export interface SimulateOptions {
  /** A CSV file; without one the arrivals are drawn. */
  readonly trace: string | undefined;
  /** One policy, or two to compare. */
  readonly settings: readonly string[];
  readonly backends: string | undefined;
  readonly json: string | undefined;
  readonly classes: ClassShares;
  readonly users: number;
  readonly streamShare: number;
  readonly instances: number;
  readonly path: string;
  readonly limit: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
  readonly wantsHelp: boolean;
}

const ARGUMENTS = {
  trace: { type: "string" },
  settings: { type: "string", multiple: true },
  backends: { type: "string" },
  json: { type: "string" },
  classes: { type: "string", default: "1:20,2:50,3:30" },
  users: { type: "string", default: "20" },
  stream: { type: "string", default: "1" },
  instances: { type: "string", default: "1" },
  path: { type: "string", default: "/v1/chat/completions" },
  limit: { type: "string" },
  from: { type: "string", default: "0" },
  to: { type: "string" },
  seed: { type: "string", default: "1" },
  help: { type: "boolean", short: "h", default: false },
} as const;

export const USAGE = `Usage: npm run simulate -- --settings FILE [--settings FILE] [options]

  --settings FILE    settings to try, as local.settings.json or as plain names and values;
                     twice to compare two
  --trace FILE.csv   a trace with the columns TIMESTAMP, ContextTokens, GeneratedTokens;
                     without it an hour is drawn
  --backends FILE    how the backends behave, by host number; see docs/simulate.md
  --json FILE        writes the result as JSON, too
  --classes PARTS    parts of the priority classes (${ARGUMENTS.classes.default})
  --users N          how many users there are (${ARGUMENTS.users.default})
  --stream SHARE     part of the requests that stream, 0 to 1 (${ARGUMENTS.stream.default})
  --instances N      instances of the gateway, which take turns (${ARGUMENTS.instances.default})
  --path PATH        path of the requests (${ARGUMENTS.path.default})
  --limit N          how many requests at most
  --from, --to TIME  part of the trace, counted from its first arrival: 90, 90s, 15m, 1h
  --seed N           seed of everything that is drawn (${ARGUMENTS.seed.default})`;

const MAX_LIMIT = 10_000_000;
const MAX_SEED = 4_294_967_295;
const MAX_USERS = 10_000;
const MAX_INSTANCES = 100;
const MAX_POLICIES = 2;
const DRAWN_HOUR_MS = 3_600_000;

/** Reads the command line. Fails with a `StartError` that names the first option that cannot be used. */
export function readOptions(argv: readonly string[]): SimulateOptions {
  const { values } = readCommandLine({ args: [...argv], options: ARGUMENTS }, USAGE);
  const settings = values.settings ?? [];
  if (!values.help && (settings.length < 1 || settings.length > MAX_POLICIES)) {
    throw new StartError(`--settings must be given once or twice.\n\n${USAGE}`);
  }
  const endless = values.trace === undefined ? DRAWN_HOUR_MS : Number.POSITIVE_INFINITY;
  const [fromMs, toMs] = [
    readTime("from", values.from),
    values.to === undefined ? endless : readTime("to", values.to),
  ];
  if (fromMs >= toMs) throw new StartError("--to must be later than --from.");
  return {
    trace: values.trace,
    settings,
    backends: values.backends,
    json: values.json,
    classes: parseClassShares(values.classes),
    users: readInteger("users", values.users, { min: 1, max: MAX_USERS }),
    streamShare: readShare(values.stream),
    instances: readInteger("instances", values.instances, { min: 1, max: MAX_INSTANCES }),
    path: readPath(values.path),
    limit: readInteger("limit", values.limit ?? String(MAX_LIMIT), { min: 1, max: MAX_LIMIT }),
    fromMs,
    toMs,
    seed: readInteger("seed", values.seed, { min: 0, max: MAX_SEED }),
    wantsHelp: values.help,
  };
}

function readShare(text: string): number {
  const share = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (share >= 0 && share <= 1) return share;
  throw new StartError(`--stream must be a number from 0 to 1, not "${text}".`);
}

const UNITS_MS = { "": 1000, s: 1000, m: 60_000, h: 3_600_000 } as const;

function readTime(name: string, text: string): number {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(|s|m|h)$/.exec(text) ?? [];
  if (amount !== undefined) return Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
  throw new StartError(`--${name} must be a time such as 90, 90s, 15m or 1h, not "${text}".`);
}

function readPath(text: string): string {
  if (/^\/[\x21-\x7e]*$/.test(text)) return text;
  throw new StartError(`--path must be a path that begins with "/", not "${text}".`);
}
