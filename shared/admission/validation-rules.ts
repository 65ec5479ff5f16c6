import type { HeaderList } from "../core/headers.ts";
import { type AllowRule, compileAllowRule } from "./allow-rule.ts";

/** The settings that say what every request must satisfy, under the original's names for them. */
export interface ValidationSettings {
  /** `ValidateAuthAppID`. */
  readonly validateAppId: boolean;
  /** `ValidateAuthAppIDHeader`. */
  readonly appIdHeader: string;
  /** `UseProfiles`. */
  readonly useProfiles: boolean;
  /** `UserProfileHeader`. */
  readonly profileHeader: string;
  /** `UserConfigRequired`. */
  readonly profileRequired: boolean;
  /** `DisallowedHeaders`. */
  readonly disallowedHeaders: readonly string[];
  /** `RequiredHeaders`. */
  readonly requiredHeaders: readonly string[];
  /** `ValidateHeaders`: a header, and the header (of the profile) that lists what it may be. */
  readonly allowRules: readonly (readonly [header: string, allowListHeader: string])[];
  /** Whom a request counts for, from headers that already hold the profile's. */
  readonly identify: (headers: HeaderList) => { readonly userId: string };
}

/** {@link ValidationSettings}, worked out once for all requests. */
export interface ValidationRules
  extends Pick<
    ValidationSettings,
    "validateAppId" | "useProfiles" | "profileRequired" | "identify"
  > {
  readonly appIdHeader: string;
  readonly profileHeader: string;
  /** Lower-cased names that a client may not send. */
  readonly disallowed: ReadonlySet<string>;
  readonly required: readonly string[];
  readonly allowRules: readonly AllowRule[];
  /** Lower-cased names that no backend gets to see. */
  readonly allowLists: ReadonlySet<string>;
}

/**
 * Works the rules out. As in the original, a rule of `ValidateHeaders` makes both its headers required
 * and its list disallowed from the client: only a profile can say what is allowed.
 */
export function compileValidationRules(settings: ValidationSettings): ValidationRules {
  const { validateAppId, appIdHeader, useProfiles, profileHeader, profileRequired } = settings;
  const lists = settings.allowRules.map(([, list]) => list.toLowerCase());
  return Object.freeze({
    validateAppId,
    appIdHeader,
    useProfiles,
    profileHeader,
    profileRequired,
    identify: settings.identify,
    disallowed: new Set([
      ...settings.disallowedHeaders.map((name) => name.toLowerCase()),
      ...lists,
    ]),
    required: distinct([...settings.requiredHeaders, ...settings.allowRules.flat()]),
    allowRules: settings.allowRules.map(compileAllowRule),
    allowLists: new Set(lists),
  });
}

function distinct(names: readonly string[]): readonly string[] {
  const byKey = new Map(names.toReversed().map((name) => [name.toLowerCase(), name]));
  return [...byKey.values()].toReversed();
}
