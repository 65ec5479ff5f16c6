import { SettingsError } from "../config/index.ts";
import type { SettingEntry } from "./app-configuration-source.ts";
import type { ParsedContent } from "./document-reader.ts";
import { readSettingEntries, type SettingsContent } from "./setting-entries.ts";
import { isHostSetting, warmSettingOf } from "./warm-settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface HotSettingsOptions<Settings> {
  /** What holds where the document says nothing. */
  readonly base: Environment;
  /** Reads a whole environment, or throws with everything that is wrong with it. */
  readonly parse: (environment: Environment) => Settings;
  /** Names of further settings that may change at run time. */
  readonly alsoWarm?: readonly string[];
}

const MODE_PREFIX = /^(warm|cold):/i;
// The original's ways of saying "what holds without this key".
const isDefault = (value: string): boolean => value.trim() === "" || value.trim() === "-";

/**
 * Reads the settings anew with a document's values laid over the environment, all or nothing. A key is a
 * setting's name or its App Configuration key; what may not change at run time is ignored with a warning,
 * and what the document no longer says is again what it was without it.
 */
export function parseHotSettings<Settings>(
  content: SettingsContent,
  { base, parse, alsoWarm = [] }: HotSettingsOptions<Settings>,
): ParsedContent<Settings> {
  const { entries, problems } = readSettingEntries(content);
  if (problems.length > 0) return { ok: false, problems };
  const { overlay, warnings } = toOverlay(entries, alsoWarm);
  try {
    return { ok: true, value: parse(layOver(base, overlay)), warnings };
  } catch (error) {
    return { ok: false, problems: problemsOf(error) };
  }
}

interface Overlay {
  readonly overlay: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

function toOverlay(entries: readonly SettingEntry[], alsoWarm: readonly string[]): Overlay {
  const overlay = new Map<string, string>();
  const warnings: string[] = [];
  const extra = new Map(alsoWarm.map((name) => [name.toLowerCase(), name]));
  for (const { key, value } of entries) {
    const path = key.replace(MODE_PREFIX, "");
    const name = warmSettingOf(path) ?? extra.get(path.toLowerCase());
    const shown = JSON.stringify(key.slice(0, 128));
    if (path.toLowerCase() === "sentinel" || isDefault(value)) continue;
    if (name === undefined || /^cold:/i.test(key)) {
      warnings.push(`${shown} is not a setting that changes at run time; it is ignored`);
    } else {
      if (overlay.has(name)) warnings.push(`${shown} sets ${name} again; the last one counts`);
      overlay.set(name, value);
    }
  }
  return { overlay, warnings };
}

/**
 * Hosts are one setting: a document that names any takes the place of the environment's, because hosts
 * of both, merged by number, would be backends that nobody has written down.
 */
function layOver(base: Environment, overlay: ReadonlyMap<string, string>): Environment {
  const hasHosts = [...overlay.keys()].some(isHostSetting);
  const kept = Object.entries(base).filter(([name]) => !(hasHosts && isHostSetting(name)));
  return Object.fromEntries([...kept, ...overlay]);
}

const problemsOf = (error: unknown): readonly string[] =>
  error instanceof SettingsError
    ? error.problems
    : [error instanceof Error ? error.message : String(error)];
