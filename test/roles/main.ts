import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { unpackApps } from "../support/unpacked-apps.ts";

/**
 * `npm run test:roles`: the end-to-end suite against both packages as they are deployed, unpacked and
 * side by side: the stream app, and two instances of the jobs app. Arguments go on to Vitest.
 */
const ROOT = join(import.meta.dirname, "..", "..");
const VITEST = join(ROOT, "node_modules", "vitest", "vitest.mjs");

using apps = unpackApps();
const args = ["run", "--project", "e2e", ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, [VITEST, ...args], {
  cwd: ROOT,
  env: { ...process.env, TEST_PACKAGES: apps.folder },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
