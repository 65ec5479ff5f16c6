import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

const INFRA = join(import.meta.dirname, "..", "..", "infra");

/** The Bicep CLI, where this machine has one: `BICEP`, the PATH, or where the Azure CLI keeps its own. */
export function findBicep(): string | undefined {
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    join(homedir(), ".azure", "bin"),
  ];
  const candidates = [
    process.env["BICEP"] ?? "",
    ...folders.map((folder) => join(folder, "bicep")),
  ];
  return candidates.find((path) => path !== "" && existsSync(path));
}

/** Runs the CLI in the infra folder; it prints diagnostics to standard error. */
export function runBicep(
  cli: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { code: number | null; output: string; diagnostics: string } {
  const run = spawnSync(cli, args, {
    cwd: INFRA,
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: run.status, output: run.stdout, diagnostics: run.stderr };
}
