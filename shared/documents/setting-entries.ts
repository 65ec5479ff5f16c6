import { isFields } from "../core/fields.ts";
import { parsedJson } from "../core/parsed-json.ts";
import type { SettingEntry } from "./app-configuration-source.ts";

/** A settings document: its JSON text, or rows with `key` and `value`. */
export type SettingsContent = string | readonly unknown[];

/** The keys of a settings document, or what is wrong with it. */
export interface SettingEntries {
  readonly entries: readonly SettingEntry[];
  readonly problems: readonly string[];
}

/**
 * Reads a settings document: a JSON object of values, or keys with values. Numbers, booleans, lists and
 * flat objects (`ValidateHeaders`) become the text that an environment variable would hold.
 */
export function readSettingEntries(content: SettingsContent): SettingEntries {
  if (typeof content !== "string") return readRows(content);
  const document = parsedJson(content);
  if (!isFields(document)) {
    return { entries: [], problems: ["the document is not a JSON object"] };
  }
  return readPairs(Object.entries(document));
}

/** Rows of a table have the same fields as keys of App Configuration, but nobody has checked them. */
function readRows(rows: readonly unknown[]): SettingEntries {
  const pairs = rows.map((row) => {
    const { key, value } = Object(row) as Record<string, unknown>;
    return [String(key ?? ""), value] as const;
  });
  return readPairs(pairs);
}

function readPairs(pairs: readonly (readonly [string, unknown])[]): SettingEntries {
  const entries: SettingEntry[] = [];
  const problems: string[] = [];
  for (const [key, value] of pairs) {
    const text = toText(value);
    if (text === undefined) {
      problems.push(`${JSON.stringify(key.slice(0, 128))} has a value that no setting can have`);
    } else {
      entries.push({ key, value: text });
    }
  }
  return { entries, problems };
}

const SCALARS = new Set(["string", "number", "boolean"]);

function toText(value: unknown): string | undefined {
  if (value === null || value === undefined) return "";
  if (SCALARS.has(typeof value)) return String(value);
  if (Array.isArray(value)) return joined(value);
  if (typeof value !== "object") return undefined;
  const pairs = Object.entries(value);
  const isFlat = pairs.every(([name, item]) => typeof item === "string" && !/[=:,]/.test(name));
  return isFlat ? joined(pairs.map(([name, item]) => `${name}=${item}`)) : undefined;
}

/** A comma inside an item would make two of it. */
function joined(items: readonly unknown[]): string | undefined {
  const isPlain = items.every((item) => SCALARS.has(typeof item) && !String(item).includes(","));
  return isPlain ? items.join(",") : undefined;
}
