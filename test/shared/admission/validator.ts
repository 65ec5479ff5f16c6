import {
  compileValidationRules,
  type ValidationSettings,
  validate,
} from "../../../shared/admission/index.ts";
import type { HeaderList } from "../../../shared/core/headers.ts";
import {
  createIdentitySnapshot,
  identifyCaller,
  type ParsedDocument,
  parseAppIds,
  parseProfiles,
  parseSuspendedUsers,
} from "../../../shared/identity/index.ts";

/** No check at all. */
const NO_RULES: ValidationSettings = {
  validateAppId: false,
  appIdHeader: "X-MS-CLIENT-PRINCIPAL-ID",
  useProfiles: false,
  profileHeader: "X-UserProfile",
  profileRequired: false,
  disallowedHeaders: [],
  requiredHeaders: [],
  allowRules: [],
  identify: (headers) => identifyCaller(headers, ["X-UserID"]),
};

/** What a test deviates in. */
export interface Setup {
  settings?: Partial<ValidationSettings>;
  profiles?: readonly unknown[];
  suspended?: readonly unknown[];
  appIds?: readonly unknown[];
}

function readable<Value>(parsed: ParsedDocument<Value>): Value {
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.value;
}

/** A gateway's validation with the given documents. */
export function validator({ settings = {}, profiles = [], suspended = [], appIds = [] }: Setup) {
  const directory = createIdentitySnapshot({
    profiles: readable(parseProfiles(profiles)),
    suspendedUsers: readable(parseSuspendedUsers(suspended)),
    appIds: readable(parseAppIds(appIds)),
  });
  const rules = compileValidationRules({ ...NO_RULES, ...settings });
  return (headers: HeaderList, target = "/x") => validate({ headers, target }, directory, rules);
}

/** The code of a refusal, or `ok`. */
export const codeOf = (validation: ReturnType<ReturnType<typeof validator>>): string =>
  validation.ok ? "ok" : validation.code;

/** Profiles are looked up. */
export const profileOn = { useProfiles: true };
