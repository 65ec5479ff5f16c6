import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { StartError } from "../../service.ts";
import type { EntryPoint } from "../config/entry-points.ts";

/** Loads the app's files in order. Whatever one of them throws ends the start, in its own words. */
export async function loadApp(entryPoints: readonly EntryPoint[]): Promise<void> {
  for (const { file, kind } of entryPoints) {
    try {
      if (kind === "module") await import(pathToFileURL(file).href);
      else createRequire(file)(file);
    } catch (error) {
      throw new StartError(`The function app could not be loaded from ${file}:\n${say(error)}`, {
        cause: error,
      });
    }
  }
}

function say(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A syntax error's place stands only in its stack.
  return error instanceof SyntaxError ? (error.stack ?? error.message) : error.message;
}
