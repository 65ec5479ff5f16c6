import { readFile } from "node:fs/promises";
import { StartError } from "../service.ts";

/** Reads a JSON file; `what` names it for whoever has to mend it. */
export async function readJson(file: string, what: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new StartError(`The ${what} ${file} cannot be read (${reason}).`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`The ${what} ${file} is no JSON: ${reason}.`, { cause });
  }
}
