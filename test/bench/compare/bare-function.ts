import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { type ChildService, startChild } from "../../../local/child-service.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const FOLDER = join(ROOT, ".local", "bench", "function-app");

/**
 * Starts a function app with nothing in it, in the gateway's host and with the library as it is
 * published: what every function app costs here. It passes requests on to `origin` where that is given.
 */
export async function startBareFunction(origin?: string): Promise<ChildService> {
  await buildFunctionApp();
  const dataDir = join(FOLDER, origin === undefined ? "data-constant" : "data-proxy");
  return startChild("host", {
    options: { port: 0, appDir: FOLDER, dataDir },
    env: { ...process.env, ...(origin !== undefined && { BENCH_ORIGIN: origin }) },
  });
}

async function buildFunctionApp(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const host = { version: "2.0", extensions: { http: { routePrefix: "" } } };
  writeFileSync(join(FOLDER, "host.json"), JSON.stringify(host));
  writeFileSync(join(FOLDER, "package.json"), JSON.stringify({ main: "index.cjs" }));
  await build({
    entryPoints: [join(import.meta.dirname, "function-app", "functions.ts")],
    outfile: join(FOLDER, "index.cjs"),
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    external: ["@azure/functions-core"],
    logLevel: "warning",
  });
}
