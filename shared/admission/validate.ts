import type { ErrorCode } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import { type AllowRule, isOnList, PATH_HEADER, pathSpellings } from "./allow-rule.ts";
import { mayShow, shown } from "./shown.ts";
import type { ValidationRules } from "./validation-rules.ts";

/** What validation needs of a profile. */
export interface InjectedHeaders {
  readonly id: string;
  readonly headers: HeaderList;
  readonly headerNames: ReadonlySet<string>;
}

/** Who callers are, as far as validation asks. */
export interface CallerDirectory<Profile extends InjectedHeaders> {
  findProfile(id: string): Profile | undefined;
  isSuspended(id: string): boolean;
  isAppIdAllowed(appId: string): boolean;
}

/** What of a request is validated; `target` is path and query as sent. */
export interface ValidatedParts {
  readonly headers: HeaderList;
  readonly target: string;
}

/** A request that may go on, with the headers that it goes on with; or why it may not. */
export type Validation<Profile extends InjectedHeaders> =
  | {
      readonly ok: true;
      readonly caller: { readonly userId: string };
      readonly profile: Profile | undefined;
      /** The client's headers without what is disallowed, with the profile's, without allow-lists. */
      readonly headers: HeaderList;
    }
  | Refusal;

interface Refusal {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly detail: string;
}

const refuse = (code: ErrorCode, detail: string): Refusal => ({ ok: false, code, detail });

/**
 * Validates a request in the original's order: application id, disallowed headers, profile, suspension,
 * required headers, allow-lists. Whoever may not enter learns nothing of what comes after.
 */
export function validate<Profile extends InjectedHeaders>(
  { headers, target }: ValidatedParts,
  directory: CallerDirectory<Profile>,
  rules: ValidationRules,
): Validation<Profile> {
  const refusedApp = checkAppId(headers, directory, rules);
  if (refusedApp) return refusedApp;
  const allowed = without(headers, rules.disallowed);
  const found = findProfile(allowed, directory, rules);
  if (!found.ok) return found;
  const { profile } = found;
  const complete = profile
    ? [...without(allowed, profile.headerNames), ...profile.headers]
    : allowed;
  const caller = rules.identify(complete);
  if ((profile && directory.isSuspended(profile.id)) || directory.isSuspended(caller.userId)) {
    return refuse("user-suspended", "The user is suspended.");
  }
  const refused = checkHeaders({ headers: complete, target }, rules);
  if (refused) return refused;
  return { ok: true, caller, profile, headers: without(complete, rules.allowLists) };
}

function without(headers: HeaderList, names: ReadonlySet<string>): HeaderList {
  if (names.size === 0) return headers;
  return headers.filter(([name]) => !names.has(name.toLowerCase()));
}

function valuesOf(headers: HeaderList, name: string): string[] {
  const wanted = name.toLowerCase();
  const values: string[] = [];
  for (const [candidate, value] of headers) {
    if (candidate.toLowerCase() === wanted) values.push(value.trim());
  }
  return values;
}

/** A header that names one thing; sent twice it names none that exists, as in the original. */
const identityOf = (headers: HeaderList, name: string): string => valuesOf(headers, name).join(",");

function checkAppId<Profile extends InjectedHeaders>(
  headers: HeaderList,
  directory: CallerDirectory<Profile>,
  rules: ValidationRules,
): Refusal | undefined {
  if (!rules.validateAppId) return undefined;
  const appId = identityOf(headers, rules.appIdHeader);
  if (appId === "") {
    return refuse("app-id-not-allowed", `The header ${rules.appIdHeader} is missing.`);
  }
  if (directory.isAppIdAllowed(appId)) return undefined;
  return refuse("app-id-not-allowed", `The application id ${shown(appId)} is not allowed.`);
}

function findProfile<Profile extends InjectedHeaders>(
  headers: HeaderList,
  directory: CallerDirectory<Profile>,
  { useProfiles, profileHeader, profileRequired }: ValidationRules,
): { readonly ok: true; readonly profile: Profile | undefined } | Refusal {
  if (!useProfiles) return { ok: true, profile: undefined };
  const id = identityOf(headers, profileHeader);
  if (id === "") {
    return profileRequired
      ? refuse("profile-required", `The header ${profileHeader} is missing.`)
      : { ok: true, profile: undefined };
  }
  const profile = directory.findProfile(id);
  if (profile) return { ok: true, profile };
  return refuse("profile-not-found", `There is no user profile ${shown(id)}.`);
}

function checkHeaders(request: ValidatedParts, rules: ValidationRules): Refusal | undefined {
  const missing = rules.required.find(
    (name) => name.toLowerCase() !== PATH_HEADER && valuesOf(request.headers, name).every(isEmpty),
  );
  if (missing !== undefined) {
    return refuse("header-missing", `The header ${missing} is missing or empty.`);
  }
  const failed = rules.allowRules.find((rule) => !satisfies(request, rule));
  return failed && refuse("header-not-allowed", explain(request, failed));
}

/**
 * Why a caller who was let in may not ask for another path besides; undefined where they may. Lists come
 * with the profile, and from nobody else.
 */
export function pathFault(
  target: string,
  profile: Pick<InjectedHeaders, "headers"> | undefined,
  { allowRules }: ValidationRules,
): string | undefined {
  const request = { headers: profile?.headers ?? [], target };
  const failed = allowRules.find((rule) => rule.isPath && !satisfies(request, rule));
  return failed && explain(request, failed);
}

const isEmpty = (value: string): boolean => value === "";

function satisfies({ headers, target }: ValidatedParts, rule: AllowRule): boolean {
  const values = rule.isPath ? pathSpellings(target) : valuesOf(headers, rule.header);
  const list = valuesOf(headers, rule.allowList).join(",");
  // Every value is judged: which of two a backend would take is not ours to guess.
  return values?.every((value) => isOnList(value, list)) ?? false;
}

function explain({ headers, target }: ValidatedParts, rule: AllowRule): string {
  // A query may hold a signature or a key.
  const value = rule.isPath ? target.split("?", 1).join() : valuesOf(headers, rule.header).join();
  return mayShow(rule.header)
    ? `The value ${shown(value)} of ${rule.shownAs} is not allowed.`
    : `The value of ${rule.shownAs} is not allowed.`;
}
