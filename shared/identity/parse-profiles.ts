import { type AsyncAccess, NO_ASYNC_ACCESS, parseAsyncAccess } from "./async-access.ts";
import { Findings, type ParsedDocument } from "./findings.ts";
import type { Profile, ProfileDirectory } from "./profile.ts";
import { addProfileHeader, type HeadersByName } from "./profile-headers.ts";
import { isPolicyField, readProfilePolicy } from "./profile-policy.ts";
import { type DocumentContent, type Entry, isEntry, readEntries, readId } from "./read-entries.ts";

/** The field names that settings may rename. */
export interface ProfileFields {
  /** `UserIDFieldName`. */
  readonly idField?: string;
  /** `AsyncClientConfigFieldName`. */
  readonly asyncField?: string;
}

const INTERNAL_PREFIX = "internal-";
// The original's marks of a soft-deleted profile, which it ignores in a document.
const RESERVED_FIELDS = new Set(["__deletedat", "__expiresat"]);

/**
 * Reads a profiles document as a whole: one wrong entry refuses it, with every problem named. Known ids
 * without any settings are known; of entries with the same id the last one counts.
 */
export function parseProfiles(
  content: DocumentContent,
  { idField = "userId", asyncField = "async-config" }: ProfileFields = {},
): ParsedDocument<ProfileDirectory> {
  const findings = new Findings();
  const profiles = new Map<string, Profile>();
  const indexById = new Map<string, number>();
  const reader = new ProfileReader({ idField, asyncField }, findings);
  for (const [index, entry] of readEntries(content, findings).entries()) {
    const profile = reader.read(entry, `entry ${index}`);
    if (!profile) continue;
    const earlier = indexById.get(profile.id);
    if (earlier !== undefined) {
      findings.warn(`entry ${index} has the id of entry ${earlier}; the last one counts`);
    }
    indexById.set(profile.id, index);
    profiles.set(profile.id, profile);
  }
  if (profiles.size === 0) findings.warn("the document has no profiles");
  return findings.outcome(() =>
    Object.freeze({ size: profiles.size, find: (id: string) => profiles.get(id) }),
  );
}

/** Reads entries that share what they can. Scope: one document. */
class ProfileReader {
  readonly #fields: Required<ProfileFields>;
  readonly #findings: Findings;
  // Most profiles have the same fields: one set of names serves them all.
  readonly #nameSets = new Map<string, ReadonlySet<string>>();

  constructor({ idField, asyncField }: Required<ProfileFields>, findings: Findings) {
    this.#fields = { idField, asyncField: asyncField.toLowerCase() };
    this.#findings = findings;
  }

  read(entry: unknown, place: string): Profile | undefined {
    const findings = this.#findings;
    if (!isEntry(entry)) {
      findings.problem(`${place} is not an object`);
      return undefined;
    }
    const { idField } = this.#fields;
    const id = Object.hasOwn(entry, idField) ? readId(entry[idField]) : undefined;
    if (id === undefined) {
      findings.problem(`${place}: field ${JSON.stringify(idField)} is missing, empty or no text`);
      return undefined;
    }
    const { headers, policy, asyncText } = this.#sort(entry, place);
    return Object.freeze({
      id,
      headers: Object.freeze([...headers.values()]),
      headerNames: this.#names(headers),
      asyncAccess: this.#asyncAccess(asyncText, place),
      ...readProfilePolicy(policy, place, findings),
    });
  }

  /** Tells apart what is for the backend, for the gateway, and for nobody. */
  #sort(entry: Entry, place: string) {
    const headers: HeadersByName = new Map();
    const policy = new Map<string, unknown>();
    let asyncText: unknown;
    for (const [name, value] of Object.entries(entry)) {
      const key = name.toLowerCase();
      if (key === this.#fields.idField.toLowerCase() || key.startsWith(INTERNAL_PREFIX)) continue;
      if (RESERVED_FIELDS.has(key)) {
        this.#findings.warn(`${place}: field "${name}" is reserved and not used`);
      } else if (key === this.#fields.asyncField) {
        asyncText = value;
      } else if (isPolicyField(key)) {
        policy.set(key, value);
      } else {
        addProfileHeader(headers, [name, value], { place, findings: this.#findings });
        if (key.startsWith("limit-")) {
          this.#findings.warn(`${place}: field ${JSON.stringify(name.slice(0, 64))} is no limit`);
        }
      }
    }
    return { headers, policy, asyncText };
  }

  #names(headers: HeadersByName): ReadonlySet<string> {
    const shape = [...headers.keys()].join(" ");
    const known = this.#nameSets.get(shape);
    if (known) return known;
    const names = new Set(headers.keys());
    this.#nameSets.set(shape, names);
    return names;
  }

  #asyncAccess(text: unknown, place: string): AsyncAccess {
    if (text === undefined || text === null) return NO_ASYNC_ACCESS;
    const field = this.#fields.asyncField;
    if (typeof text !== "string") {
      this.#findings.problem(`${place}: field "${field}" is no text`);
      return NO_ASYNC_ACCESS;
    }
    const { access, warnings } = parseAsyncAccess(text);
    for (const warning of warnings) this.#findings.warn(`${place}: field "${field}": ${warning}`);
    return access;
  }
}
