import * as z from "zod";
import { flag, headerName, headerNames, integer, list, wholeUrl } from "./values.ts";

const MAX_INTERVAL_SECONDS = 86_400;

const location = z.string().regex(/^(?:file:.+|https?:\/\/.+|table:[^/]+\/.+)$/, {
  error: "expected file:path, an http(s) URL or table:table/partition",
});

/** `Header=AllowList` pairs; a colon is taken where there is no equals sign. */
const allowRules = list.transform((pairs, context) =>
  pairs.flatMap((pair) => {
    const [header = "", allowList = ""] = pair.split(pair.includes("=") ? "=" : ":", 2);
    if (header.trim() && allowList.trim()) return [[header.trim(), allowList.trim()] as const];
    context.addIssue({ code: "custom", message: `expected Header=AllowList, got "${pair}"` });
    return [];
  }),
);

/** Settings that say who may enter, and where the documents are that name them. */
export const policyShape = {
  UseProfiles: flag.default(false),
  UserConfigUrl: location.optional(),
  SuspendedUserConfigUrl: location.optional(),
  UserIDFieldName: z.string().default("userId"),
  UserProfileHeader: headerName.default("X-UserProfile"),
  UserConfigRequired: flag.default(false),
  UserConfigRefreshIntervalSecs: integer(1, MAX_INTERVAL_SECONDS).default(30),
  AsyncClientConfigFieldName: z.string().default("async-config"),
  ValidateAuthAppID: flag.default(false),
  ValidateAuthAppIDUrl: location.optional(),
  ValidateAuthAppIDHeader: headerName.default("X-MS-CLIENT-PRINCIPAL-ID"),
  ValidateAuthAppFieldName: z.string().default("authAppID"),
  DisallowedHeaders: headerNames.default([]),
  RequiredHeaders: headerNames.default([]),
  ValidateHeaders: allowRules.default([]),
  PriorityWorkers: z.string().default(""),
  AZURE_APPCONFIG_ENDPOINT: wholeUrl.optional(),
  AZURE_APPCONFIG_CONNECTION_STRING: z.string().optional(),
  AZURE_APPCONFIG_LABEL: z.string().optional(),
  AZURE_APPCONFIG_REFRESH_INTERVAL_SECONDS: integer(1, MAX_INTERVAL_SECONDS).default(30),
  GATEWAY_POLICY_SETTINGS_URL: location.optional(),
  GATEWAY_POLICY_TOKEN_SCOPE: z.string().optional(),
  GATEWAY_POLICY_LOAD_SECONDS: integer(1, 300).default(10),
};

const policySchema = z.object(policyShape);
type RawPolicy = z.infer<typeof policySchema>;

/** Who may enter, and where the documents are. */
export interface PolicySettings {
  readonly useProfiles: boolean;
  readonly profilesUrl: string | undefined;
  readonly suspendedUrl: string | undefined;
  readonly appIdsUrl: string | undefined;
  /** Settings that change at run time: a document, or an App Configuration store. */
  readonly hotSettingsUrl: string | undefined;
  readonly appConfiguration:
    | { readonly connectionString: string; readonly label: string | undefined }
    | { readonly endpoint: string; readonly label: string | undefined }
    | undefined;
  readonly hotSettingsIntervalMs: number;
  readonly idField: string;
  readonly asyncField: string;
  readonly appIdField: string;
  readonly profileHeader: string;
  readonly appIdHeader: string;
  readonly profileRequired: boolean;
  readonly validateAppId: boolean;
  readonly disallowedHeaders: readonly string[];
  readonly requiredHeaders: readonly string[];
  readonly allowRules: readonly (readonly [header: string, allowListHeader: string])[];
  readonly refreshIntervalMs: number;
  readonly loadDeadlineMs: number;
  /** Scope of a bearer token for https documents. */
  readonly tokenScope: string | undefined;
}

/** The policy's part of the settings. */
export function toPolicy(raw: RawPolicy): PolicySettings {
  return Object.freeze({
    useProfiles: raw.UseProfiles,
    profilesUrl: raw.UserConfigUrl,
    suspendedUrl: raw.SuspendedUserConfigUrl,
    appIdsUrl: raw.ValidateAuthAppIDUrl,
    hotSettingsUrl: raw.GATEWAY_POLICY_SETTINGS_URL,
    appConfiguration: toAppConfiguration(raw),
    hotSettingsIntervalMs: raw.AZURE_APPCONFIG_REFRESH_INTERVAL_SECONDS * 1000,
    idField: raw.UserIDFieldName,
    asyncField: raw.AsyncClientConfigFieldName,
    appIdField: raw.ValidateAuthAppFieldName,
    profileHeader: raw.UserProfileHeader,
    appIdHeader: raw.ValidateAuthAppIDHeader,
    profileRequired: raw.UserConfigRequired,
    validateAppId: raw.ValidateAuthAppID,
    disallowedHeaders: raw.DisallowedHeaders,
    requiredHeaders: raw.RequiredHeaders,
    allowRules: raw.ValidateHeaders,
    refreshIntervalMs: raw.UserConfigRefreshIntervalSecs * 1000,
    loadDeadlineMs: raw.GATEWAY_POLICY_LOAD_SECONDS * 1000,
    tokenScope: raw.GATEWAY_POLICY_TOKEN_SCOPE,
  });
}

function toAppConfiguration(raw: RawPolicy): PolicySettings["appConfiguration"] {
  const label = raw.AZURE_APPCONFIG_LABEL;
  const connectionString = raw.AZURE_APPCONFIG_CONNECTION_STRING;
  if (connectionString) return { connectionString, label };
  return raw.AZURE_APPCONFIG_ENDPOINT
    ? { endpoint: raw.AZURE_APPCONFIG_ENDPOINT, label }
    : undefined;
}

/** What only shows when the policy's settings are seen together. */
export function policyContradictions(env: Readonly<Record<string, string | undefined>>): string[] {
  const isOn = (name: string): boolean => env[name]?.trim().toLowerCase() === "true";
  const problems: string[] = [];
  if (isOn("ValidateAuthAppID") && !env["ValidateAuthAppIDUrl"]) {
    problems.push("ValidateAuthAppID: needs ValidateAuthAppIDUrl, or nobody could enter");
  }
  if (isOn("UseProfiles") && !env["UserConfigUrl"]) {
    problems.push("UseProfiles: needs UserConfigUrl, where the profiles are");
  }
  return problems;
}
