import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
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
  return { WEAKENED_ROLE: ROLE, WEAKENED_APPS: folder, ...weakenedStack(edits) };
}

/** What stands for the platform is no part of the bundle: its sources are weakened as they are loaded. */
function weakenedStack(edits: readonly Edit[]): Record<string, string> {
  const own = edits.filter(([file]) => file.startsWith("local/"));
  if (own.length === 0) return {};
  const loader = pathToFileURL(join(import.meta.dirname, "weaken-loader.ts")).href;
  return { NODE_OPTIONS: `--import=${loader}`, WEAKENED_EDITS: JSON.stringify(own) };
}
