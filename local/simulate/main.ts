import { writeFile } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { drawTrace } from "../replay/drawn-trace.ts";
import { openTrace } from "../replay/read-trace.ts";
import { StartError } from "../service.ts";
import { type BackendPatches, parseBackends } from "./backend-model.ts";
import { renderComparison } from "./compare.ts";
import { readOptions, type SimulateOptions, USAGE } from "./options.ts";
import { readJson } from "./read-json.ts";
import { readSettings, type SimulatedSettings } from "./read-settings.ts";
import { renderResult } from "./report.ts";
import type { SimulationResult } from "./result.ts";
import { simulate } from "./simulate.ts";

/** `npm run simulate`: runs a trace through the gateway's own decisions in virtual time. */
async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.wantsHelp) {
    console.log(USAGE);
    return;
  }
  const backends = await readBackends(options.backends);
  // All files are read before the first of two runs: a mistake in the second is found at once.
  const policies = await Promise.all(options.settings.map(readSettings));
  for (const warning of policies.flatMap(({ warnings }) => warnings)) console.error(warning);
  const results: SimulationResult[] = [];
  for (const policy of policies) results.push(await run(options, policy, backends));
  for (const result of results) {
    const headline = results.length > 1 ? `${result.settings}\n\n` : "";
    process.stdout.write(`${headline}${renderResult(result)}\n`);
  }
  const [before, after] = results;
  if (before && after) process.stdout.write(renderComparison(before, after));
  if (options.json !== undefined) await writeResults(options.json, results);
}

async function run(
  options: SimulateOptions,
  { name, settings }: SimulatedSettings,
  backends: BackendPatches,
): Promise<SimulationResult> {
  const { trace, seed } = options;
  const rows = trace === undefined ? drawTrace(seed) : await openTrace(trace);
  const startedAt = performance.now();
  const result = await simulate({ ...options, name, settings, backends, rows });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const minutes = (result.simulatedMs / 60_000).toFixed(1);
  console.error(
    `${name}: ${result.all.arrived} requests of ${trace ?? "a drawn trace"}, ${minutes} minutes in ${seconds} s (seed ${seed}).`,
  );
  return result;
}

async function readBackends(file: string | undefined): Promise<BackendPatches> {
  return file === undefined ? {} : parseBackends(await readJson(file, "backends file"), file);
}

async function writeResults(file: string, results: readonly SimulationResult[]): Promise<void> {
  const value = results.length === 1 ? results[0] : results;
  try {
    await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new StartError(`The result cannot be written to ${file} (${reason}).`, { cause });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
});
