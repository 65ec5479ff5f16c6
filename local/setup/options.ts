import { readCommandLine } from "../command-line.ts";
import { StartError } from "../service.ts";

/** What a set-up is asked to do. */
export interface SetupOptions {
  /** For azd's environment rather than for this machine. */
  readonly isForAzure: boolean;
  /** Questions that are answered beforehand. */
  readonly given: ReadonlyMap<string, string>;
  /** Asks nothing. */
  readonly isSilent: boolean;
  readonly wantsHelp: boolean;
}

const ARGUMENTS = {
  azure: { type: "boolean", default: false },
  set: { type: "string", multiple: true, default: [] as string[] },
  yes: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

export const USAGE = `Usage: npm run setup -- [--azure] [--set NAME=VALUE]... [--yes]

  --azure            for azd up, into .azure/; without it for npm start, into local.settings.json
  --set NAME=VALUE   answers a question beforehand
  --yes              asks nothing: what is not given stays as it is, or becomes the default`;

/** Reads the command line. Fails with a `StartError` that names what cannot be used. */
export function readOptions(argv: readonly string[]): SetupOptions {
  const { values } = readCommandLine({ args: [...argv], options: ARGUMENTS }, USAGE);
  return {
    isForAzure: values.azure,
    given: new Map(values.set.map(readPair)),
    isSilent: values.yes,
    wantsHelp: values.help,
  };
}

function readPair(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new StartError("--set takes NAME=VALUE.");
  return [text.slice(0, at), text.slice(at + 1)];
}
