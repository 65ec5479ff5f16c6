export { parseAsyncAccess } from "./async-access.ts";
export { type Authenticate, type Authenticated, createAuthentication } from "./authenticate.ts";
export { ANONYMOUS_USER, type Caller, identifyCaller } from "./caller.ts";
export { openCredentials, openRequest, sealCredentials, sealRequest } from "./credential-seal.ts";
export { withoutFunctionKey } from "./credential-target.ts";
export type { ParsedDocument } from "./findings.ts";
export {
  createIdentitySnapshot,
  type IdentityDocuments,
  type IdentitySnapshot,
} from "./identity-snapshot.ts";
export { createOperatorCheck, OPERATOR_KEY_HEADER, type OperatorCheck } from "./operator.ts";
export { type IdList, parseAppIds, parseSuspendedUsers } from "./parse-id-list.ts";
export { parseProfiles, parseProfilesInSteps } from "./parse-profiles.ts";
export type { Profile, ProfileDirectory } from "./profile.ts";
export type { FetchJson } from "./signing-keys.ts";
export type { VerifiedCaller } from "./verified-caller.ts";
export { allowedWebhook, defaultWebhooks, type WebhookAccess } from "./webhook-access.ts";
