import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBundle } from "../../../esbuild.config.ts";
import { weakenBundle } from "./weaken-plugin.ts";
import { type Edit, ROOT } from "./weakening.ts";

// The role that serves everything.
const ROLE = "jobs";

/** Lays out an app whose bundle is weakened, and gives the environment with which a stack runs it. */
export async function makeWeakenedApp(
  folder: string,
  edits: readonly Edit[],
): Promise<Record<string, string>> {
  const app = join(folder, ROLE);
  mkdirSync(app, { recursive: true });
  const { files } = await buildBundle([weakenBundle(edits)]);
  for (const [name, bytes] of files) writeFileSync(join(app, name), bytes);
  copyFileSync(join(ROOT, "host.json"), join(app, "host.json"));
  writeFileSync(join(app, "package.json"), JSON.stringify({ private: true, main: "index.cjs" }));
  return { WEAKENED_ROLE: ROLE, WEAKENED_APPS: folder };
}
