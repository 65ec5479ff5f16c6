import { loadSettings, SETTING_NAMES, type Settings } from "../../shared/config/index.ts";
import { parseHotSettings } from "../../shared/documents/index.ts";
import { StartError } from "../service.ts";
import { readJson } from "./read-json.ts";

/** Settings to try, and what of their file plays no part. */
export interface SimulatedSettings {
  readonly name: string;
  readonly settings: Settings;
  readonly warnings: readonly string[];
}

// What the platform reads, and connections: nothing here is connected to anything.
const PLATFORM = /^(FUNCTIONS_|AzureWebJobs|ServiceBusConnection|APPLICATIONINSIGHTS_|WEBSITE_)/i;
// A trace has no such headers, and a policy on trial is not to be changed by another document.
const LEFT_OUT = new Set(
  [
    "ValidateAuthAppID",
    "ValidateAuthAppIDUrl",
    "RequiredHeaders",
    "ValidateHeaders",
    "DisallowedHeaders",
    "GATEWAY_POLICY_SETTINGS_URL",
    "AZURE_APPCONFIG_ENDPOINT",
    "AZURE_APPCONFIG_CONNECTION_STRING",
    "GATEWAY_CREDENTIAL_KEY",
  ].map((name) => name.toLowerCase()),
);
/** One instance serves what comes to it directly: the simulation has no lanes and no jobs. */
const FORCED = { GATEWAY_ROLE: "stream", GATEWAY_SYNC_MODE: "direct" };

/** Reads settings from a file: `local.settings.json`, or a document with hot settings. */
export async function readSettings(file: string): Promise<SimulatedSettings> {
  return parseSettings(await readJson(file, "settings file"), file);
}

/** Takes an object of names and values, or one with such an object in `Values`. */
export function parseSettings(document: unknown, name: string): SimulatedSettings {
  const values = Object(Object(document).Values ?? document) as Record<string, unknown>;
  const entries = Object.entries(values).filter(([key]) => !PLATFORM.test(key));
  const isLeftOut = (key: string): boolean => LEFT_OUT.has(key.toLowerCase());
  const used = Object.fromEntries(entries.filter(([key]) => !isLeftOut(key)));
  const leftOut = entries.map(([key]) => key).filter(isLeftOut);
  const parsed = parseHotSettings(JSON.stringify({ ...used, ...FORCED }), {
    base: {},
    parse: loadSettings,
    alsoWarm: [...SETTING_NAMES, "OAuthAudience"],
  });
  if (!parsed.ok) {
    throw new StartError(
      `The settings of ${name} cannot be used:\n- ${parsed.problems.join("\n- ")}`,
    );
  }
  const warnings = [
    ...parsed.warnings.map((warning) => `${name}: ${warning}`),
    ...(leftOut.length > 0 ? [`${name}: the simulation leaves out ${leftOut.join(", ")}`] : []),
  ];
  return { name, settings: parsed.value, warnings };
}
