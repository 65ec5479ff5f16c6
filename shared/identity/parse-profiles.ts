import { type Fields, isFields } from "../core/fields.ts";
import { type AsyncAccess, NO_ASYNC_ACCESS, parseAsyncAccess } from "./async-access.ts";
import { type EntryPlan, type ProfileFields, planEntry, quoted } from "./entry-plan.ts";
import { Findings, type ParsedDocument } from "./findings.ts";
import type { Profile, ProfileDirectory } from "./profile.ts";
import { readProfileHeaders } from "./profile-headers.ts";
import { readProfilePolicy } from "./profile-policy.ts";
import { type DocumentContent, readEntries, readId } from "./read-entries.ts";

// A millisecond or two of work: ten thousand profiles read in one go would hold every request up.
const ENTRIES_A_STEP = 50;

/**
 * Reads a profiles document as a whole: one wrong entry refuses it, with every problem named. Known ids
 * without any settings are known; of entries with the same id the last one counts.
 */
export function parseProfiles(
  content: DocumentContent,
  fields: Partial<ProfileFields> = {},
): ParsedDocument<ProfileDirectory> {
  const steps = parseProfilesInSteps(content, fields);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

/** {@link parseProfiles} in short steps, between which the caller may let others run. */
export function* parseProfilesInSteps(
  content: DocumentContent,
  { idField = "userId", asyncField = "async-config" }: Partial<ProfileFields> = {},
): Generator<void, ParsedDocument<ProfileDirectory>> {
  const findings = new Findings();
  const profiles = new Map<string, Profile>();
  const indexById = new Map<string, number>();
  const reader = new ProfileReader({ idField, asyncField }, findings);
  for (const [index, entry] of readEntries(content, findings).entries()) {
    if (index % ENTRIES_A_STEP === ENTRIES_A_STEP - 1) yield;
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
    Object.freeze({
      size: profiles.size,
      find: (id: string) => profiles.get(id),
      all: () => profiles.values(),
    }),
  );
}

/** Reads entries by the plans of their fields. Scope: one document. */
class ProfileReader {
  readonly #fields: ProfileFields;
  readonly #findings: Findings;
  readonly #plans = new Map<string, EntryPlan>();

  constructor(fields: ProfileFields, findings: Findings) {
    this.#fields = fields;
    this.#findings = findings;
  }

  read(entry: unknown, place: string): Profile | undefined {
    const findings = this.#findings;
    if (!isFields(entry)) {
      findings.problem(`${place} is not an object`);
      return undefined;
    }
    const { idField } = this.#fields;
    const id = Object.hasOwn(entry, idField) ? readId(entry[idField]) : undefined;
    if (id === undefined) {
      findings.problem(`${place}: ${quoted(idField)} is missing, empty or no text`);
      return undefined;
    }
    const plan = this.#planOf(entry);
    for (const problem of plan.problems) findings.problem(`${place}: ${problem}`);
    for (const warning of plan.warnings) findings.warn(`${place}: ${warning}`);
    const policy = plan.policy.map(([field, name]) => [name, entry[field]] as const);
    return Object.freeze({
      id,
      headers: readProfileHeaders(entry, plan.headers, { place, findings }),
      headerNames: plan.headerNames,
      asyncAccess: this.#asyncAccess(entry, plan, place),
      ...readProfilePolicy(policy, place, findings),
    });
  }

  #planOf(entry: Fields): EntryPlan {
    const fields = Object.keys(entry);
    const shape = JSON.stringify(fields);
    const known = this.#plans.get(shape);
    if (known) return known;
    const plan = planEntry(fields, this.#fields);
    this.#plans.set(shape, plan);
    return plan;
  }

  #asyncAccess(entry: Fields, { asyncField }: EntryPlan, place: string): AsyncAccess {
    const text = asyncField === undefined ? undefined : entry[asyncField];
    if (asyncField === undefined || text === undefined || text === null) return NO_ASYNC_ACCESS;
    if (typeof text !== "string") {
      this.#findings.problem(`${place}: ${quoted(asyncField)} is no text`);
      return NO_ASYNC_ACCESS;
    }
    const { access, warnings } = parseAsyncAccess(text);
    for (const warning of warnings)
      this.#findings.warn(`${place}: ${quoted(asyncField)}: ${warning}`);
    return access;
  }
}
