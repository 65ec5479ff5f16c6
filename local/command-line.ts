import { type ParseArgsConfig, parseArgs } from "node:util";
import { StartError } from "./service.ts";

/** Reads a command line. Fails with a `StartError` that says what is wrong with it, and how it is to be. */
export function readCommandLine<Config extends ParseArgsConfig>(config: Config, usage: string) {
  try {
    return parseArgs(config);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`${reason}\n\n${usage}`, { cause });
  }
}
