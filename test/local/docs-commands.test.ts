import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readOptions as readReplayOptions } from "../../local/replay/options.ts";
import { readOptions as readSetupOptions } from "../../local/setup/options.ts";
import { azurePlace, localPlace } from "../../local/setup/places.ts";
import { setUp } from "../../local/setup/set-up.ts";
import { readOptions as readSimulateOptions } from "../../local/simulate/options.ts";
import { readStackSettings } from "../../local/stack-settings.ts";
import { readPlan } from "../bench/compare/plan.ts";
import { readOptions as readChaosOptions } from "../chaos/options.ts";
import {
  blocksOf,
  commandsOf,
  DOCUMENTS,
  inlineNpmCommands,
  isShell,
  readDocument,
  withoutVariables,
} from "../support/document-blocks.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
// What npm itself knows besides the scripts.
const OF_NPM = new Set(["ci", "install", "test", "start", "audit"]);
const KINDS = new Set(["offline", "start", "azure"]);
const OF_AZURE = /^(?:az|azd|func)\s/;

/** The commands of a document, those between back-ticks too, without the variables before them. */
const allCommandsOf = (document: string): string[] => [
  ...blocksOf(document)
    .filter(isShell)
    .flatMap(({ text }) => commandsOf(text))
    .map(({ text }) => withoutVariables(text)),
  ...inlineNpmCommands(document),
];

describe.each(DOCUMENTS)("the commands of %s", (document) => {
  const blocks = blocksOf(document);

  it("say of each block how it is tried", () => {
    const unknown = blocks.filter((block) => isShell(block) && !KINDS.has(block.kind));
    expect(unknown.map(({ line }) => `${document}:${line}`)).toEqual([]);
    const unmarked = blocks.filter(
      ({ language, kind, text }) =>
        language === "" &&
        kind !== "output" &&
        /^(?:\$ )?(?:npm|npx|curl|az|azd|func) /m.test(text),
    );
    expect(unmarked.map(({ line }) => `${document}:${line}`)).toEqual([]);
  });

  it("leave to a subscription what needs one, and say so", () => {
    const needs = blocks.filter(
      (block) =>
        isShell(block) &&
        (block.kind === "azure" || commandsOf(block.text).some(({ text }) => OF_AZURE.test(text))),
    );
    expect(needs.filter(({ kind }) => kind !== "azure").map(({ line }) => line)).toEqual([]);
    const says = /#to-verify-on-a-live-subscription\)|^## To verify on a live subscription$/m;
    expect(needs.length === 0 || says.test(readDocument(document))).toBe(true);
  });

  it("name scripts that there are", () => {
    const mentioned = [...read(document).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name]) => name);
    expect(mentioned.filter((name) => !Object.hasOwn(scripts, name ?? ""))).toEqual([]);
    const npm = allCommandsOf(document)
      .flatMap((command) => /^npm (\S+)/.exec(command)?.[1] ?? [])
      .filter((word) => word !== "run" && !OF_NPM.has(word));
    expect(npm).toEqual([]);
  });
});

/** The words behind `npm run <script> --`, as a shell would part them. */
function argumentsOf(command: string, script: string): string[] | undefined {
  const [, rest] = new RegExp(`^npm run ${script}(?: -- (.*))?$`).exec(command) ?? [];
  const words = rest?.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return command.startsWith(`npm run ${script}`)
    ? words
        .filter((word) => word !== "…" && word !== "...")
        .map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, "$1$2"))
    : undefined;
}

describe("the options that the documents show", () => {
  const readers: Record<string, (args: string[]) => unknown> = {
    replay: readReplayOptions,
    simulate: readSimulateOptions,
    "test:chaos": readChaosOptions,
    bench: readPlan,
  };

  it.each(Object.entries(readers))(
    "of npm run %s are ones that it takes",
    (script, readOptions) => {
      const shown = DOCUMENTS.flatMap(allCommandsOf).flatMap((command) => {
        const args = argumentsOf(command, script);
        return args && args.length > 0 ? [args] : [];
      });
      for (const args of shown) expect(() => readOptions(args), args.join(" ")).not.toThrow();
      if (script !== "bench") expect(shown.length).toBeGreaterThan(0);
    },
  );
});

describe("the options of npm run reconcile that the documents show", () => {
  it("are ones that it takes", () => {
    const shown = DOCUMENTS.flatMap(allCommandsOf).flatMap((command) => {
      const args = argumentsOf(command, "reconcile");
      return args && args.length > 0 ? [args] : [];
    });
    expect(shown.length).toBeGreaterThan(0);
    for (const args of shown) {
      const run = spawnSync(process.execPath, ["local/reconcile/main.ts", ...args, "--help"], {
        cwd: ROOT,
        encoding: "utf8",
      });
      expect([args, run.status, run.stderr]).toEqual([args, 0, ""]);
    }
  });
});

describe("what the documents say of setup and start", () => {
  const commands = DOCUMENTS.flatMap(allCommandsOf);

  it("runs: every npm run setup without questions", async () => {
    const shown = commands.flatMap((command) => {
      const args = argumentsOf(command, "setup");
      return args?.includes("--yes") ? [args] : [];
    });
    expect(shown.length).toBeGreaterThan(3);
    for (const args of shown) {
      const folder = mkdtempSync(join(tmpdir(), "gateway-setup-"));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      const { isForAzure, given } = readSetupOptions(args);
      const name = given.get("AZURE_ENV_NAME");
      const place = isForAzure ? azurePlace(folder, name) : localPlace(folder);
      const report = await setUp(place, { given });
      const names = report.map((line) => line.split(":", 1).join());
      expect(names).toEqual(expect.arrayContaining([...given.keys()]));
    }
  });

  it("names roles that npm start takes", () => {
    const roles = commands.flatMap((command) => /--roles=(\S+)/.exec(command)?.[1] ?? []);
    expect(roles.length).toBeGreaterThan(0);
    for (const LOCAL_ROLES of roles) {
      expect(readStackSettings({ LOCAL_ROLES }).roles.join()).toBe(LOCAL_ROLES);
    }
  });
});

describe("docs/deployment.md", () => {
  it("has a row for each value that the deployment reads, with its default", () => {
    const parameters = [
      ...read("infra/main.bicepparam").matchAll(/readEnvironmentVariable\('(\w+)', '([^']*)'\)/g),
    ];
    const rows = new Map(
      [...read("docs/deployment.md").matchAll(/^\| `([A-Z_]+)` \| (\S+(?: \S+)*?) \|/gm)].map(
        ([, name, value]) => [name, value] as const,
      ),
    );
    expect(parameters.length).toBeGreaterThan(10);
    for (const [, name, value] of parameters) {
      expect([name, rows.get(name)]).toEqual([name, value === "" ? "by scenario" : `\`${value}\``]);
    }
  });

  it("says of the scenarios what their files say", () => {
    const text = read("docs/deployment.md");
    const files = ["standard", "performance", "vnet"].map((name) =>
      JSON.parse(read(`infra/scenarios/${name}.json`)),
    );
    const row = (title: string, value: (file: (typeof files)[number]) => string): string =>
      `| ${title} | ${files.map(value).join(" | ")} |`;
    const number = (value: number): string => value.toLocaleString("en-US");
    expect(text).toContain(row("always ready, stream", (f) => number(f.stream.alwaysReadyHttp)));
    expect(text).toContain(
      row(
        "always ready, jobs: http / durable / top lane",
        ({ jobs }) =>
          `${jobs.alwaysReadyHttp} / ${jobs.alwaysReadyDurable} / ${jobs.alwaysReadyTopLane}`,
      ),
    );
    expect(text).toContain(
      row("instances at most, an app", (f) => number(f.jobs.maximumInstanceCount)),
    );
    expect(text).toContain(
      row("memory of an instance", (f) => `${number(f.jobs.instanceMemoryMB)} MB`),
    );
    expect(text).toContain(row("reachable from the internet", (f) => (f.isPrivate ? "no" : "yes")));
  });
});
