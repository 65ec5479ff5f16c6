import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readStackSettings } from "../../local/stack-settings.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const DOCUMENTS = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT })].sort();
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
// What npm itself knows besides the scripts.
const OF_NPM = new Set(["ci", "install", "test", "start", "audit"]);

/** Every command line of a document's shell blocks, with what a backslash continues. */
function commandsOf(document: string): string[] {
  return [...read(document).matchAll(/^ *```(?:sh|bash)\n([\s\S]*?)^ *```/gm)]
    .flatMap(([, block = ""]) => block.replaceAll(/\\\n\s*/g, " ").split("\n"))
    .flatMap((line) => line.split("&&"))
    .map((line) => line.replace(/\s#.*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

const withoutVariables = (command: string): string =>
  command.replace(/^(?:[A-Za-z_]\w*=(?:'[^']*'|"[^"]*"|\S*)\s+)+/, "");

describe.each(DOCUMENTS)("the commands of %s", (document) => {
  it("name scripts that there are", () => {
    const mentioned = [...read(document).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name]) => name);
    expect(mentioned.filter((name) => !Object.hasOwn(scripts, name ?? ""))).toEqual([]);
    const npm = commandsOf(document)
      .map(withoutVariables)
      .flatMap((command) => /^npm (\S+)/.exec(command)?.[1] ?? [])
      .filter((word) => word !== "run" && !OF_NPM.has(word));
    expect(npm).toEqual([]);
  });
});

describe("what the documents say of setup and start", () => {
  const commands = DOCUMENTS.flatMap(commandsOf).map(withoutVariables);

  it("runs: every npm run setup without questions", () => {
    const setups = commands.filter((command) => /^npm run setup .*--yes/.test(command));
    expect(setups.length).toBeGreaterThan(3);
    for (const command of setups) {
      const folder = join(ROOT, "dist", `setup-${process.pid}`);
      const line = command.replace("npm run setup --", `'${process.execPath}' local/setup/main.ts`);
      const run = spawnSync(
        "sh",
        ["-c", `rm -rf "$SETUP_DIR"; ${line}; code=$?; rm -rf "$SETUP_DIR"; exit $code`],
        {
          cwd: ROOT,
          env: { ...process.env, SETUP_DIR: folder },
          encoding: "utf8",
        },
      );
      expect([command, run.status, run.stderr]).toEqual([command, 0, ""]);
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
