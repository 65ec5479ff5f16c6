import { readCommandLine } from "../command-line.ts";
import { StartError } from "../service.ts";
import { type Mix, parseMix } from "./mix.ts";
import { readInteger } from "./read-integer.ts";

/** What a replay is asked to do. */
export interface ReplayOptions {
  /** A CSV file; without one the arrivals are drawn. */
  readonly trace: string | undefined;
  readonly speed: number;
  readonly limit: number;
  readonly mix: Mix;
  /** The gateway, without a slash at the end. */
  readonly url: string;
  readonly seed: number;
  readonly model: string;
  readonly showsProgress: boolean;
  readonly wantsHelp: boolean;
}

const ARGUMENTS = {
  trace: { type: "string" },
  speed: { type: "string", default: "60" },
  limit: { type: "string", default: "500" },
  mix: { type: "string", default: "stream=0.5,queued=0.3,async=0.2" },
  url: { type: "string", default: "http://127.0.0.1:7071" },
  seed: { type: "string", default: "1" },
  model: { type: "string", default: "gpt-4o" },
  "no-progress": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

export const USAGE = `Usage: npm run replay -- [options]

  --trace FILE.csv   a trace with the columns TIMESTAMP, ContextTokens, GeneratedTokens;
                     without it, arrivals and sizes are drawn
  --speed N          how many times faster than the trace (${ARGUMENTS.speed.default})
  --limit N          how many requests at most (${ARGUMENTS.limit.default})
  --mix SHARES       shares of the modes (${ARGUMENTS.mix.default})
  --url URL          the gateway (${ARGUMENTS.url.default})
  --seed N           seed of everything that is drawn (${ARGUMENTS.seed.default})
  --model NAME       the model to ask for (${ARGUMENTS.model.default})
  --no-progress      say nothing until the end`;

const MAX_LIMIT = 10_000_000;
const MAX_SPEED = 1_000_000;
const MAX_SEED = 4_294_967_295;

/** Reads the command line. Fails with a `StartError` that names the first option that cannot be used. */
export function readOptions(argv: readonly string[]): ReplayOptions {
  const { values } = readCommandLine({ args: [...argv], options: ARGUMENTS }, USAGE);
  return {
    trace: values.trace,
    speed: readSpeed(values.speed),
    limit: readInteger("limit", values.limit, { min: 1, max: MAX_LIMIT }),
    mix: readMix(values.mix),
    url: readUrl(values.url),
    seed: readInteger("seed", values.seed, { min: 0, max: MAX_SEED }),
    model: values.model,
    showsProgress: !values["no-progress"],
    wantsHelp: values.help,
  };
}

function readSpeed(text: string): number {
  const speed = text.trim() === "" ? Number.NaN : Number(text);
  if (speed > 0 && speed <= MAX_SPEED) return speed;
  throw new StartError(`--speed must be a number above 0, up to ${MAX_SPEED}, not "${text}".`);
}

function readMix(text: string): Mix {
  const parsed = parseMix(text);
  if (parsed.ok) return parsed.value;
  throw new StartError(`--mix "${text}" cannot be used: ${parsed.problem}.`);
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") {
    return (url.origin + url.pathname).replace(/\/+$/, "");
  }
  throw new StartError(`--url must be an http or https URL, not "${text}".`);
}
