import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadSettings, SettingsError } from "../../shared/config/index.ts";
import { StartError } from "../service.ts";
import { deployedSettings } from "./deployed-settings.ts";
import { parseEnvFile, updateEnvFile } from "./env-file.ts";
import { AZURE_QUESTIONS, LOCAL_QUESTIONS, type Question } from "./questions.ts";

/** Where answers are kept. */
export interface Place {
  readonly questions: readonly Question[];
  /** What is set already, by name. */
  known(name: string): string | undefined;
  /** Keeps the answers beside all else that is there. */
  keep(answers: ReadonlyMap<string, string>): Kept;
}

/** What came of keeping answers. */
export interface Kept {
  readonly files: readonly string[];
  /** Names that had no value and got one. */
  readonly made: readonly string[];
}

const OPERATOR_KEY_BYTES = 24;
// The stack has its own; these are for a host that is started beside it.
const FOR_CORE_TOOLS = {
  FUNCTIONS_WORKER_RUNTIME: "node",
  AzureWebJobsDisableHomepage: "true",
};

const newKey = (): string => randomBytes(OPERATOR_KEY_BYTES).toString("base64url");

/** local.settings.json, which `npm start` and Core Tools read. */
export function localPlace(root: string): Place {
  const file = join(root, "local.settings.json");
  const document = readJson(file) ?? { IsEncrypted: false, Values: {} };
  const values = (document["Values"] ?? {}) as Record<string, string>;
  return {
    questions: LOCAL_QUESTIONS,
    known: (name) => values[name],
    keep(answers) {
      const given: Record<string, string> = { ...values, ...Object.fromEntries(answers) };
      const made = given["OperatorKeys"] ? {} : { OperatorKeys: newKey() };
      const next: Record<string, string> = { ...FOR_CORE_TOOLS, ...given, ...made };
      check(next["Host1"] ? next : { ...next, Host1: "http://127.0.0.1:9" });
      write(
        file,
        `${JSON.stringify({ ...document, IsEncrypted: false, Values: next }, null, 2)}\n`,
      );
      return { files: [file], made: Object.keys(made) };
    },
  };
}

/** azd's environment: the one that is named, else its default, else a new one. */
export function azurePlace(root: string, named: string | undefined): Place {
  const config = join(root, ".azure", "config.json");
  const chosen = named ?? readJson(config)?.["defaultEnvironment"];
  const fileOf = (name: string): string => join(root, ".azure", name, ".env");
  const known = parseEnvFile(typeof chosen === "string" ? readText(fileOf(chosen)) : "");
  return {
    questions: AZURE_QUESTIONS,
    known: (name) => known.get(name) ?? (name === "AZURE_ENV_NAME" ? named : undefined),
    keep(answers) {
      const name = answers.get("AZURE_ENV_NAME") ?? "gateway";
      check(deployedSettings(answers), AZURE_NAMES);
      const file = fileOf(name);
      write(file, updateEnvFile(readText(file), answers));
      const settings = { version: 1, ...readJson(config), defaultEnvironment: name };
      write(config, `${JSON.stringify(settings)}\n`);
      return { files: [file, config], made: [] };
    },
  };
}

// What is asked for by another name than the setting that it becomes.
const AZURE_NAMES: Readonly<Record<string, string>> = {
  GATEWAY_AUTH_APPS: "GATEWAY_CALLER_APPLICATIONS",
  Host1: "the first of GATEWAY_HOSTS",
};

function check(
  values: Readonly<Record<string, string>>,
  askedAs: Readonly<Record<string, string>> = {},
): void {
  try {
    loadSettings(values);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const name = Object.keys(askedAs).filter((setting) => error.message.includes(`${setting}:`));
    const hints = name.map((setting) => `${setting} is made of ${askedAs[setting]}.`);
    throw new StartError([error.message, ...hints].join("\n"));
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function readJson(file: string): Record<string, unknown> | undefined {
  const text = readText(file);
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new StartError(`${file} is not JSON: mend it, or move it away.`);
  }
}

/** Written whole, and readable by its owner alone. */
function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.new-${process.pid}`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, file);
}
