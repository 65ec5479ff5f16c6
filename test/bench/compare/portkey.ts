import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../../local/free-port.ts";
import { answersWithin } from "./reachable.ts";
import type { Target } from "./targets.ts";

const VERSION = "1.15.2";
const FOLDER = join(import.meta.dirname, "..", "..", "..", ".local", "bench", `portkey-${VERSION}`);
const ENTRY = join(FOLDER, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js");
const START_LIMIT_MS = 20_000;

/** Starts the open-source Portkey gateway; it is fetched on the first run, and is no dependency. */
export async function startPortkey(origin: string): Promise<Target | string> {
  if (!existsSync(ENTRY) && !install()) return "@portkey-ai/gateway could not be installed";
  const port = await freePort();
  const child = spawn(process.execPath, [ENTRY, "--headless", `--port=${port}`], {
    cwd: FOLDER,
    env: { ...process.env, NODE_ENV: "production" },
    stdio: "ignore",
  });
  const exited = once(child, "exit");
  if (!(await answersWithin(port, START_LIMIT_MS))) return "@portkey-ai/gateway did not start";
  return {
    name: "portkey",
    port,
    headers: [
      "x-portkey-provider: openai",
      `x-portkey-custom-host: ${origin}/v1`,
      "authorization: Bearer bench",
    ],
    pids: [child.pid ?? 0],
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

function install(): boolean {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, "package.json"), '{ "private": true }\n');
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=dev"];
  const { status } = spawnSync("npm", [...args, `@portkey-ai/gateway@${VERSION}`], {
    cwd: FOLDER,
    stdio: "ignore",
  });
  return status === 0 && existsSync(ENTRY);
}
