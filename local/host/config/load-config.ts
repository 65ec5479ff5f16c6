import { join } from "node:path";
import { StartError } from "../../service.ts";
import { applySettings, type Environment } from "./environment.ts";
import { parseHostJson } from "./host-json.ts";
import type { HostConfig } from "./host-schema.ts";
import { type LocalSettings, NO_LOCAL_SETTINGS, parseLocalSettings } from "./local-settings.ts";
import { readJsonFile } from "./read-json-file.ts";

/** The app folder's configuration, complete and valid. */
export interface LoadedConfig {
  readonly host: HostConfig;
  readonly local: LocalSettings;
}

/**
 * Reads host.json and local.settings.json, and puts the settings into the environment, since those
 * may override host.json. Every problem of both files is named in one `StartError`.
 */
export function loadConfig(
  appDir: string,
  environment: Environment,
  settings: Readonly<Record<string, string>>,
): LoadedConfig {
  const problems: string[] = [];
  const hostDocument = readOr(problems, () => readJsonFile(join(appDir, "host.json")));
  const localDocument = readOr(problems, () =>
    readJsonFile(join(appDir, "local.settings.json"), { optional: true }),
  );
  const local =
    localDocument === undefined
      ? { value: NO_LOCAL_SETTINGS, problems: [] }
      : parseLocalSettings(localDocument);
  applySettings(environment, [settings, local.value.values]);
  const host =
    hostDocument === undefined
      ? { value: undefined, problems: [] }
      : parseHostJson(hostDocument, environment);
  problems.push(...host.problems, ...local.problems);
  if (!host.value || problems.length > 0) {
    throw new StartError(
      `The app in ${appDir} is not configured rightly:\n- ${problems.join("\n- ")}`,
    );
  }
  return { host: host.value, local: local.value };
}

// A file that cannot be read must not hide what is wrong with the other one.
function readOr(problems: string[], read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    problems.push((error as Error).message);
    return undefined;
  }
}
