import { isFields } from "../core/fields.ts";
import { Findings, type ParsedDocument } from "./findings.ts";
import { type DocumentContent, readEntries, readId } from "./read-entries.ts";

/** A set of ids that can only be asked. */
export interface IdList {
  readonly size: number;
  has(id: string): boolean;
}

const GUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/**
 * Reads the suspended users: a list of objects with the id field (`UserIDFieldName`), or of ids. Object ids
 * compare without regard to case, for directories write them in both.
 */
export function parseSuspendedUsers(
  content: DocumentContent,
  idField = "userId",
): ParsedDocument<IdList> {
  return parseIdList(content, idField, (id) => (GUID.test(id) ? id.toLowerCase() : id));
}

/**
 * Reads the application ids that may call: a list of objects with the field `ValidateAuthAppFieldName`,
 * or of ids. They compare without regard to case.
 */
export function parseAppIds(
  content: DocumentContent,
  appIdField = "authAppID",
): ParsedDocument<IdList> {
  const parsed = parseIdList(content, appIdField, (id) => id.toLowerCase());
  if (!parsed.ok || parsed.value.size > 0) return parsed;
  return { ...parsed, warnings: [...parsed.warnings, "the document allows no application"] };
}

function parseIdList(
  content: DocumentContent,
  field: string,
  fold: (id: string) => string,
): ParsedDocument<IdList> {
  const findings = new Findings();
  const ids = new Set<string>();
  for (const [index, entry] of readEntries(content, findings).entries()) {
    const id = readId(idOf(entry, field));
    if (id === undefined) {
      const named = isFields(entry) ? `: field ${JSON.stringify(field)}` : "";
      findings.problem(`entry ${index}${named} is missing, empty or no text`);
    } else if (ids.has(fold(id))) {
      findings.warn(`entry ${index} repeats an earlier entry`);
    } else {
      ids.add(fold(id));
    }
  }
  return findings.outcome(() =>
    Object.freeze({ size: ids.size, has: (id: string) => ids.has(fold(id)) }),
  );
}

function idOf(entry: unknown, field: string): unknown {
  if (!isFields(entry)) return typeof entry === "string" ? entry : undefined;
  return Object.hasOwn(entry, field) ? entry[field] : undefined;
}
