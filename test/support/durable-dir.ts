import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for a test, gone with the scope that holds it. */
export interface DurableDir extends Disposable {
  path: string;
}

/** Makes an empty folder. */
export function durableDir(): DurableDir {
  const path = mkdtempSync(join(tmpdir(), "durable-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
