import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { StartError } from "../service.ts";
import { azurePlace, localPlace } from "./places.ts";
import { type Ask, setUp } from "./set-up.ts";

/** `npm run setup`: writes local.settings.json, or with `-- --azure` azd's environment. */
const USAGE = `Usage: npm run setup -- [--azure] [--set NAME=VALUE]... [--yes]

  --azure            for azd up, into .azure/; without it for npm start, into local.settings.json
  --set NAME=VALUE   answers a question beforehand
  --yes              asks nothing: what is not given stays as it is, or becomes the default`;

const ROOT = process.env["SETUP_DIR"] ?? join(import.meta.dirname, "..", "..");

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      azure: { type: "boolean", default: false },
      set: { type: "string", multiple: true, default: [] },
      yes: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const given = new Map(values.set.map(readPair));
  const place = values.azure ? azurePlace(ROOT, given.get("AZURE_ENV_NAME")) : localPlace(ROOT);
  const isAttended = process.stdin.isTTY === true && !values.yes;
  const terminal = isAttended ? openConsole() : undefined;
  try {
    const report = await setUp(place, { given, ask: terminal?.ask });
    for (const line of report) console.log(line);
    console.log(values.azure ? "next: azd up" : "next: npm start");
  } finally {
    terminal?.close();
  }
}

function readPair(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new StartError("--set takes NAME=VALUE.");
  return [text.slice(0, at), text.slice(at + 1)];
}

function openConsole(): { ask: Ask; close(): void } {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  return {
    ask({ text, fallback, isSecret }, current) {
      const known = current === undefined ? fallback : isSecret ? "as it is" : current;
      return lines.question(known === undefined ? `${text}: ` : `${text} [${known}]: `);
    },
    close: () => lines.close(),
  };
}

main().catch((error: unknown) => {
  const isExpected = error instanceof StartError || Object(error).code?.startsWith?.("ERR_PARSE");
  console.error(isExpected ? (error as Error).message : error);
  process.exitCode = 1;
});
