import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { StartError } from "../service.ts";
import { readOptions, USAGE } from "./options.ts";
import { azurePlace, localPlace } from "./places.ts";
import { type Ask, setUp } from "./set-up.ts";

/** `npm run setup`: writes local.settings.json, or with `-- --azure` azd's environment. */
const ROOT = process.env["SETUP_DIR"] ?? join(import.meta.dirname, "..", "..");

async function main(): Promise<void> {
  const { isForAzure, given, isSilent, wantsHelp } = readOptions(process.argv.slice(2));
  if (wantsHelp) {
    console.log(USAGE);
    return;
  }
  const place = isForAzure ? azurePlace(ROOT, given.get("AZURE_ENV_NAME")) : localPlace(ROOT);
  const isAttended = process.stdin.isTTY === true && !isSilent;
  const terminal = isAttended ? openConsole() : undefined;
  try {
    const report = await setUp(place, { given, ask: terminal?.ask });
    for (const line of report) console.log(line);
    console.log(isForAzure ? "next: azd up" : "next: npm start");
  } finally {
    terminal?.close();
  }
}

function openConsole(): { ask: Ask; close(): void } {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const left = new Promise<never>((_, reject) => {
    lines.once("close", () => reject(new StartError("Left: nothing was written.")));
  });
  left.catch(() => {});
  return {
    ask({ text, fallback, isSecret }, current, problem) {
      const known = current === undefined ? fallback : isSecret ? "as it is" : current;
      const again = problem === undefined ? "" : `${problem}\n`;
      const suggested = known === undefined ? "" : ` [${known}]`;
      return Promise.race([lines.question(`${again}${text}${suggested}: `), left]);
    },
    close: () => lines.close(),
  };
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
});
