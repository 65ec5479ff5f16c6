import { isPolicyField } from "./profile-policy.ts";

/** The field names that settings may rename. */
export interface ProfileFields {
  /** `UserIDFieldName`. */
  readonly idField: string;
  /** `AsyncClientConfigFieldName`. */
  readonly asyncField: string;
}

/**
 * What becomes of the fields of all entries that have the same fields. Most profiles of a document do:
 * what depends on names alone is worked out once for them all.
 */
export interface EntryPlan {
  /** The fields that become headers, in order. */
  readonly headers: readonly string[];
  /** The lower-cased names of `headers`. */
  readonly headerNames: ReadonlySet<string>;
  /** The fields that steer the gateway, with their lower-cased names. */
  readonly policy: readonly (readonly [field: string, name: string])[];
  readonly asyncField: string | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const INTERNAL_PREFIX = "internal-";
const LIMIT_PREFIX = "limit-";
// The original's marks of a soft-deleted profile, which it ignores in a document.
const RESERVED_FIELDS = new Set(["__deletedat", "__expiresat"]);
// RFC 9110, section 5.1.
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Tells apart what is for the backend, for the gateway, and for nobody. */
export function planEntry(fields: readonly string[], settings: ProfileFields): EntryPlan {
  const headers = new Map<string, string>();
  const policy: [string, string][] = [];
  const problems: string[] = [];
  const warnings: string[] = [];
  const idName = settings.idField.toLowerCase();
  const asyncName = settings.asyncField.toLowerCase();
  let asyncField: string | undefined;
  for (const field of fields) {
    const name = field.toLowerCase();
    if (name === idName || name.startsWith(INTERNAL_PREFIX)) continue;
    if (RESERVED_FIELDS.has(name)) warnings.push(`${quoted(field)} is reserved and not used`);
    else if (name === asyncName) asyncField = field;
    else if (isPolicyField(name)) policy.push([field, name]);
    else if (!HEADER_NAME.test(field))
      problems.push(`${quoted(field)} cannot be the name of a header`);
    else {
      if (name.startsWith(LIMIT_PREFIX)) warnings.push(`${quoted(field)} is no limit`);
      if (headers.has(name)) warnings.push(`${quoted(field)} occurs twice; the last one counts`);
      headers.set(name, field);
    }
  }
  const headerNames = new Set(headers.keys());
  return { headers: [...headers.values()], headerNames, policy, asyncField, problems, warnings };
}

/** A field as findings name it. */
export const quoted = (field: string): string => `field ${JSON.stringify(field.slice(0, 64))}`;
