import type { AuthenticationSettings } from "../config/index.ts";
import { GatewayError } from "../core/errors.ts";
import { type VerifiedCaller, verifiedCaller } from "./verified-caller.ts";

/** The header in which App Service says who it has let in. */
export const PRINCIPAL_HEADER = "x-ms-client-principal";

// Tokens come with their own names of claims, or with the names that .NET gives them.
const TENANT = ["tid", "http://schemas.microsoft.com/identity/claims/tenantid"];
const OBJECT = ["oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"];
const APPLICATION = ["azp", "appid"];
const ROLE = ["roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"];
const SCOPE = ["scp", "http://schemas.microsoft.com/identity/claims/scope"];
const PROVIDER = "aad";

interface Claim {
  readonly typ: string;
  readonly val: string;
}

/**
 * The caller whom App Service authentication has let in. Only for apps that have it switched on: it
 * takes the header away from clients then, and anybody can write it otherwise.
 */
export function easyAuthCaller(header: string, settings: AuthenticationSettings): VerifiedCaller {
  const claims = readClaims(header);
  if (!claims) {
    throw new GatewayError("token-refused", "The platform's proof of identity cannot be read.");
  }
  const oneOf = (names: readonly string[]): string | undefined =>
    claims.find(({ typ }) => names.includes(typ))?.val;
  const allOf = (names: readonly string[]): readonly string[] =>
    claims.filter(({ typ }) => names.includes(typ)).map(({ val }) => val);
  return verifiedCaller(
    {
      tenantId: oneOf(TENANT),
      objectId: oneOf(OBJECT),
      appId: oneOf(APPLICATION),
      roles: allOf(ROLE),
      scopes: allOf(SCOPE).flatMap((scope) => scope.split(" ")),
    },
    settings,
  );
}

function readClaims(header: string): readonly Claim[] | undefined {
  try {
    const principal: unknown = JSON.parse(Buffer.from(header, "base64").toString("utf8"));
    if (typeof principal !== "object" || principal === null) return undefined;
    if (!("auth_typ" in principal) || principal.auth_typ !== PROVIDER) return undefined;
    if (!("claims" in principal) || !Array.isArray(principal.claims)) return undefined;
    return principal.claims.filter(isClaim);
  } catch {
    return undefined;
  }
}

const isClaim = (value: unknown): value is Claim =>
  typeof value === "object" &&
  value !== null &&
  "typ" in value &&
  typeof value.typ === "string" &&
  "val" in value &&
  typeof value.val === "string";
