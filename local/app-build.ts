import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "./service.ts";

const SOURCES = [
  "functions",
  "shared",
  "infra/lanes.json",
  "esbuild.config.ts",
  "package-lock.json",
];
const BUNDLE = "dist/functions/index.cjs";

/** Builds the app's bundle unless it is newer than everything it is made of. */
export async function buildApp(appDir: string): Promise<"built" | "fresh"> {
  const newestSource = Math.max(...SOURCES.map((source) => newest(join(appDir, source))));
  if (newest(join(appDir, BUNDLE)) > newestSource) return "fresh";
  const build = spawn(process.execPath, ["esbuild.config.ts"], { cwd: appDir, stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    build.once("exit", resolve);
    build.once("error", reject);
  });
  if (code !== 0) throw new StartError("The app could not be built; see the messages above.");
  return "built";
}

/** The newest modification below a path, in epoch milliseconds; 0 when there is nothing. */
function newest(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  const below = readdirSync(path).map((name) => newest(join(path, name)));
  return Math.max(found.mtimeMs, ...below);
}
