import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "../../local/free-port.ts";
import { SETTING_NAMES } from "../../shared/config/index.ts";
import {
  blocksOf,
  commandsOf,
  DOCUMENTS,
  type DocumentBlock,
  isShell,
} from "../support/document-blocks.ts";
import { settingsWith } from "../support/settings.ts";
import { OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";

// What a block may take before it is ended, however busy the machine is.
const BLOCK_MS = 120_000;

const ROOT = join(import.meta.dirname, "..", "..");
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

/**
 * What stands before each block: curl is itself, but that it keeps the heads of its answers; a job
 * is the last one that an answer located, and one whose result is asked for is waited for.
 */
const PRELUDE = `set -eu
curl() {
  rm -f "$DOCS_FOLDER/head"
  code=0
  command curl --silent --show-error --max-time 60 --dump-header "$DOCS_FOLDER/head" "$@" || code=$?
  cat "$DOCS_FOLDER/head" >> "$DOCS_FOLDER/heads"
  return $code
}
last_job() { sed -n 's/^[Ll]ocation: .*\\/jobs\\/\\([^/[:cntrl:]]*\\).*/\\1/p' "$DOCS_FOLDER/heads" | tail -n 1; }
ended_job() {
  job=$(last_job)
  while [ "$(command curl -s -o "$DOCS_FOLDER/state" -w '%{http_code}' "$GATEWAY/jobs/$job")" = 202 ]; do sleep 0.2; done
  printf %s "$job"
}
`;

// Users of the documents have it; whoever only runs the tests need not.
const hasCurl = spawnSync("curl", ["--version"]).status === 0;

let stack: TestStack;
let modelsPort: number;
let folder: string;
beforeAll(async () => {
  if (!hasCurl) return;
  folder = mkdtempSync(join(tmpdir(), "gateway-docs-"));
  modelsPort = await freePorts(2);
  stack = await startStack({ env: { LOCAL_MODELS_PORT: `${modelsPort}` } });
  await Promise.all([modelsPort, modelsPort + 1].map(hurry));
});
afterAll(async () => {
  if (!hasCurl) return;
  await stack?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Answers at once: what is read here is not how long they take. */
async function hurry(port: number): Promise<void> {
  const body = JSON.stringify({ ttftMs: 0, tokensPerSecond: 0 });
  await fetch(`http://127.0.0.1:${port}/sim/settings`, { method: "POST", body });
}

/** What runs a script of package.json in a moment: the same command, with less to do. */
function scriptOf(name: string): string {
  const command = (scripts[name] ?? "").replace(/^node /, `'${process.execPath}' '${ROOT}'/`);
  const less: Record<string, string> = {
    replay: ` --url ${stack.url} --limit 10 --no-progress`,
    simulate: " --limit 200",
    reconcile: ` --url ${stack.url}`,
  };
  return command + (less[name] ?? "");
}

/** A block as its reader types it, with what they know by then. */
const asTyped = (text: string): string =>
  text
    .replaceAll(/'([^'\n]*<id>[^'\n]*)'/g, '"$1"')
    .replaceAll(/<id>(?=\/(?:result|errors))/g, "$(ended_job)")
    .replaceAll("<id>", "$(last_job)")
    .replaceAll("http://127.0.0.1:7071", stack.url)
    .replaceAll("http://127.0.0.1:9100", `http://127.0.0.1:${modelsPort}`)
    .replaceAll(/\bnpm run ([\w:-]+)(?: --)?/g, (_, name) => scriptOf(name));

/** What a block did: its exit code, what it printed, and the statuses that its curls met, in order. */
async function run(block: DocumentBlock) {
  const heads = join(folder, "heads");
  const before = readHeads(heads).length;
  const script = `${PRELUDE}set -a\n${asTyped(block.text)}\nset +a\nenv > "$DOCS_FOLDER/environment"\n`;
  const child = spawn("sh", ["-c", script], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      DOCS_FOLDER: folder,
      GATEWAY: stack.url,
      OPERATOR_KEY,
      SETUP_DIR: join(folder, "setup"),
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: BLOCK_MS,
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [code, printed, complaints] = await Promise.all([
    ended,
    textOf(child.stdout),
    textOf(child.stderr),
  ]);
  return { code, printed, complaints, statuses: readHeads(heads).slice(before) };
}

function readHeads(path: string): number[] {
  const text = readFileSync(path, { encoding: "utf8", flag: "a+" });
  return [...text.matchAll(/^HTTP\/\S+ (\d+)/gm)]
    .map(([, status]) => Number(status))
    .filter((status) => status !== 100);
}

/** A remark that begins with a status says what the answer has; without one it is a success. */
function expectStatuses(block: DocumentBlock, statuses: readonly number[]): void {
  const curls = commandsOf(block.text).filter(({ text }) => /^curl\s/.test(text));
  expect(statuses).toHaveLength(curls.length);
  for (const [index, { text, remark }] of curls.entries()) {
    const [, stated] = /^(\d{3})\b/.exec(remark) ?? [];
    const met = statuses[index] ?? 0;
    const isRight = stated === undefined ? met >= 200 && met < 300 : met === Number(stated);
    expect(isRight, `${text} was answered ${met}`).toBe(true);
  }
}

/** Settings that a block sets are ones that the gateway takes. */
function expectSettings(): void {
  const set = readFileSync(join(folder, "environment"), "utf8").split(/\n(?=\w+=)/);
  const pairs = set.map(
    (line) => [line.split("=", 1)[0] ?? "", line.replace(/^\w+=/, "")] as const,
  );
  const settings = pairs.filter(([name]) => SETTING_NAMES.includes(name));
  expect(() => settingsWith(Object.fromEntries(settings))).not.toThrow();
}

/** Lines that are shown are printed, in this order; an ellipsis stands for anything. */
function expectOutput(shown: string, printed: string): void {
  const lines = printed.split(/\r?\n/);
  let from = 0;
  for (const line of shown.trimEnd().split("\n")) {
    const pattern = line.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const whole = new RegExp(`^${pattern.join(".*")}$`);
    const found = lines.findIndex((candidate, index) => index >= from && whole.test(candidate));
    expect(found, `${line}\nis not in\n${printed}`).toBeGreaterThanOrEqual(from);
    from = found + 1;
  }
}

/** The blocks of a document that run here, each with the one behind it. */
function offlineBlocksOf(document: string) {
  const blocks = blocksOf(document);
  return blocks.flatMap((block, index) =>
    isShell(block) && block.kind === "offline" ? [{ block, next: blocks[index + 1] }] : [],
  );
}

describe.skipIf(!hasCurl)("the commands (skipped where there is no curl) of", () => {
  const documents = DOCUMENTS.filter((document) => offlineBlocksOf(document).length > 0);

  it.each(documents)("%s do what is said of them", async (document) => {
    for (const { block, next } of offlineBlocksOf(document)) {
      const { code, printed, complaints, statuses } = await run(block);
      const where = `${document}:${block.line}\n${complaints}${printed}`;
      expect(code, where).toBe(0);
      expectStatuses(block, statuses);
      expectSettings();
      if (next?.kind === "output") expectOutput(next.text, printed);
    }
  });
});
