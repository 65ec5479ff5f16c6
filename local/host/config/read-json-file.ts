import { readFileSync } from "node:fs";
import { StartError } from "../../service.ts";

/** Reads a JSON file, byte order mark or not; undefined when `optional` and absent. */
export function readJsonFile(path: string, { optional = false } = {}): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (optional && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new StartError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new StartError(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
