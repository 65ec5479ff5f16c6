import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readOptions } from "./options.ts";
import { isClean, report } from "./report.ts";
import { runChaos } from "./run-chaos.ts";

/** `npm run test:chaos`: exit code 0 when everything that was promised is so, else 1. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const dataDir = mkdtempSync(join(tmpdir(), "gateway-chaos-"));
  const startedAt = Date.now();
  const log = (line: string): void => {
    console.error(`${((Date.now() - startedAt) / 1000).toFixed(1)} s: ${line}`);
  };
  let isKept = options.keepsFolder;
  try {
    const result = await runChaos({ ...options, dataDir, log });
    console.log(report(result, options));
    isKept &&= !isClean(result);
    if (isKept) writeFileSync(join(dataDir, "stack.log"), result.output);
    return isClean(result) ? 0 : 1;
  } finally {
    if (isKept) log(`the stack's folder is ${dataDir}`);
    else rmSync(dataDir, { recursive: true, force: true });
  }
}

process.exitCode = await main();
