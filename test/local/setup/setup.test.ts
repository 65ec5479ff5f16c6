import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseEnvFile, updateEnvFile } from "../../../local/setup/env-file.ts";
import { azurePlace, localPlace } from "../../../local/setup/places.ts";
import { AZURE_QUESTIONS } from "../../../local/setup/questions.ts";
import { setUp } from "../../../local/setup/set-up.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const SECRET = "apikey-of-nobody";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const child = spawnSync(process.execPath, ["local/setup/main.ts", ...args], {
    cwd: ROOT,
    env: { ...process.env, SETUP_DIR: folder },
    encoding: "utf8",
  });
  return { code: child.status, output: child.stdout + child.stderr };
}

const localValues = () =>
  JSON.parse(readFileSync(join(folder, "local.settings.json"), "utf8")).Values;
const azureValues = (name: string) =>
  parseEnvFile(readFileSync(join(folder, ".azure", name, ".env"), "utf8"));

describe("npm run setup", () => {
  it("writes local.settings.json, says where, and prints no value", () => {
    const host = `host=https://a.example;header=${SECRET}`;
    const bad = run("--yes", "--set", `Host1=${host}`);
    expect([bad.code, existsSync(join(folder, "local.settings.json"))]).toEqual([1, false]);
    expect(bad.output).not.toContain(SECRET);
    const { code, output } = run(
      "--yes",
      "--set",
      "Host1=https://a.example",
      "--set",
      `OperatorKeys=${SECRET}`,
    );
    expect(code).toBe(0);
    expect(output).not.toContain(SECRET);
    expect(output).toContain("Host1: set");
    expect(localValues()).toMatchObject({
      Host1: "https://a.example",
      OperatorKeys: SECRET,
      Workers: "10",
    });
    // Keys are in there.
    expect(statSync(join(folder, "local.settings.json")).mode & 0o077).toBe(0);
  });

  it("keeps what was set, by itself and by hand, when it is run again", () => {
    const made = run("--yes", "--set", "Workers=3");
    const first = localValues();
    expect(made.output).toContain("OperatorKeys: made anew");
    expect(made.output).not.toContain(first.OperatorKeys);
    expect(first.OperatorKeys.length).toBeGreaterThan(20);
    const file = join(folder, "local.settings.json");
    const document = {
      IsEncrypted: false,
      Host: { CORS: "*" },
      Values: { ...first, DefaultTTLSecs: "60" },
    };
    writeFileSync(file, JSON.stringify(document));
    const { code, output } = run("--yes", "--set", "Host1=https://b.example");
    expect([code, output]).toEqual([0, expect.stringContaining("Workers: kept")]);
    expect(output).not.toContain("made anew");
    expect(localValues()).toEqual({ ...first, DefaultTTLSecs: "60", Host1: "https://b.example" });
    expect(JSON.parse(readFileSync(file, "utf8")).Host).toEqual({ CORS: "*" });
    expect(output).not.toContain(first.OperatorKeys);
    expect(run("--yes", "--set", "OperatorKeys=").output).toContain("OperatorKeys: made anew");
    expect(localValues().OperatorKeys).not.toBe(first.OperatorKeys);
  });

  it("writes azd's environment, makes it the default, and keeps what azd has put there", () => {
    const hosts = '["host=https://a.example;usemi=true","host=https://b.example;tier=2"]';
    const first = run(
      "--azure",
      "--yes",
      "--set",
      "AZURE_ENV_NAME=prod",
      "--set",
      `GATEWAY_HOSTS=${hosts}`,
    );
    expect([first.code, first.output]).toEqual([0, expect.stringContaining("next: azd up")]);
    const file = join(folder, ".azure", "prod", ".env");
    writeFileSync(file, `${readFileSync(file, "utf8")}SERVICE_JOBS_URI="https://x"\n# by hand\n`);
    const again = run("--azure", "--yes", "--set", "GATEWAY_SCENARIO=vnet");
    expect(again.output).toContain("GATEWAY_HOSTS: kept");
    expect(Object.fromEntries(azureValues("prod"))).toEqual({
      AZURE_ENV_NAME: "prod",
      AZURE_LOCATION: "swedencentral",
      GATEWAY_SCENARIO: "vnet",
      GATEWAY_CLOUD: "AzureCloud",
      GATEWAY_HOSTS: hosts,
      GATEWAY_MODEL_ACCOUNTS: "[]",
      GATEWAY_AUDIENCES: "[]",
      SERVICE_JOBS_URI: "https://x",
    });
    expect(readFileSync(file, "utf8")).toContain("# by hand");
    const config = JSON.parse(readFileSync(join(folder, ".azure", "config.json"), "utf8"));
    expect(config).toEqual({ version: 1, defaultEnvironment: "prod" });
  });

  it.each([
    ["GATEWAY_SCENARIO=huge", "GATEWAY_SCENARIO: expected standard"],
    ["GATEWAY_SCENARIO=", "GATEWAY_SCENARIO: expected standard"],
    ["GATEWAY_SCENARIO=vnet", "GATEWAY_HOSTS: must be answered"],
    ["GATEWAY_HOSTS=[]", "Host1: no backend is set"],
    ["GATEWAY_HOSTS=https://a.example", "GATEWAY_HOSTS: expected a JSON array"],
    ["GATEWAY_LOG_RETENTION_DAYS=soon", "GATEWAY_HOSTS: must be answered"],
    ['GATEWAY_HOSTS=["host=https://a.example;nonsense=1"]', "Host1"],
    ["Nonsense=1", "Nonsense: not known"],
    ["Nonsense", "--set takes NAME=VALUE"],
  ])("refuses %s, and writes nothing", (pair, reason) => {
    const { code, output } = run("--azure", "--yes", "--set", pair);
    expect([code, output]).toEqual([1, expect.stringContaining(reason)]);
    expect(existsSync(join(folder, ".azure"))).toBe(false);
  });

  it("takes what the apps will take: callers by token need to be named, and settings to be right", () => {
    const some = [
      ...["--azure", "--yes", "--set", 'GATEWAY_HOSTS=["host=https://a.example"]'],
      ...["--set", 'GATEWAY_AUDIENCES=["api://gateway"]'],
    ];
    const withoutCallers = run(...some);
    expect(withoutCallers.code).toBe(1);
    expect(withoutCallers.output).toContain("made of GATEWAY_CALLER_APPLICATIONS");
    const callers = ["--set", 'GATEWAY_CALLER_APPLICATIONS=["*"]'];
    const wrong = run(...some, ...callers, "--set", 'GATEWAY_SETTINGS={"Workers":"many"}');
    expect([wrong.code, wrong.output]).toEqual([1, expect.stringContaining("Workers: expected")]);
    expect(existsSync(join(folder, ".azure"))).toBe(false);
    const reference = "@Microsoft.KeyVault(VaultName=v;SecretName=s)";
    const settings = JSON.stringify({ GATEWAY_CREDENTIAL_KEY: reference });
    const right = run(...some, ...callers, "--set", `GATEWAY_SETTINGS=${settings}`);
    expect([right.code, right.output]).toEqual([0, expect.stringContaining("next: azd up")]);
    expect(azureValues("gateway").get("GATEWAY_SETTINGS")).toBe(settings);
  });

  it("asks for the callers only where they come with tokens, and says what is wrong with an answer", async () => {
    const asked: [string, string | undefined][] = [];
    const answers = new Map([
      ["GATEWAY_HOSTS", ["", "nonsense", '["host=https://a.example"]']],
      ["GATEWAY_AUDIENCES", ['["api://gateway"]']],
      ["GATEWAY_CALLER_APPLICATIONS", ['["*"]']],
    ]);
    const ask = async ({ name }: { name: string }, _: unknown, problem: string | undefined) => {
      asked.push([name, problem]);
      return answers.get(name)?.shift() ?? "";
    };
    await setUp(azurePlace(folder, undefined), { given: new Map(), ask });
    expect(asked.slice(4)).toEqual([
      ["GATEWAY_HOSTS", undefined],
      ["GATEWAY_HOSTS", "must be answered"],
      ["GATEWAY_HOSTS", expect.stringContaining("expected a JSON array")],
      ["GATEWAY_MODEL_ACCOUNTS", undefined],
      ["GATEWAY_AUDIENCES", undefined],
      ["GATEWAY_CALLER_APPLICATIONS", undefined],
    ]);
    asked.length = 0;
    const byKey = new Map([["GATEWAY_AUDIENCES", "[]"]]);
    await setUp(azurePlace(folder, undefined), { given: byKey, ask });
    expect(asked.map(([name]) => name)).not.toContain("GATEWAY_CALLER_APPLICATIONS");
  });

  it("asks for what is not given, again after a bad answer, and takes Enter for what was set", async () => {
    const asked: [string, string | undefined][] = [];
    const answers = ["", "", "7", ""];
    const ask = async ({ name }: { name: string }, current: string | undefined) => {
      asked.push([name, current]);
      return answers.shift() ?? "";
    };
    await setUp(localPlace(folder), { given: new Map(), ask });
    expect(asked.map(([name]) => name)).toEqual(["Host1", "Host2", "Workers", "OperatorKeys"]);
    expect(localValues().Workers).toBe("7");
    asked.length = 0;
    await setUp(localPlace(folder), { given: new Map([["Host1", "https://a.example"]]), ask });
    expect(asked.slice(0, 2)).toEqual([
      ["Host2", undefined],
      ["Workers", "7"],
    ]);
    expect(localValues()).toMatchObject({ Workers: "7", Host1: "https://a.example" });
  });

  it("knows for azd just what the deployment reads", () => {
    const parameters = readFileSync(join(ROOT, "infra", "main.bicepparam"), "utf8");
    const read = [...parameters.matchAll(/readEnvironmentVariable\('(\w+)'/g)].map(
      ([, name]) => name,
    );
    expect(AZURE_QUESTIONS.map(({ name }) => name).sort()).toEqual(read.sort());
  });
});

describe("azd's file of values", () => {
  it.each(["plain", 'with "quotes"', "back\\slash", "$HOME and `x`", "a=b;c", ""])(
    "keeps %j",
    (value) => {
      const text = updateEnvFile('OTHER="1"\n', new Map([["NAME", value]]));
      expect(parseEnvFile(text)).toEqual(
        new Map([
          ["OTHER", "1"],
          ["NAME", value],
        ]),
      );
      expect(updateEnvFile(text, new Map([["NAME", value]]))).toBe(text);
    },
  );
});
