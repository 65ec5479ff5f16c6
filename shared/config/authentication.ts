import * as z from "zod";
import { integer, list } from "./values.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const WAYS = ["anonymous", "function-key", "easy-auth", "entra"] as const;

/** A way in which callers may show who they are, or that they need not. */
export type AuthenticationWay = (typeof WAYS)[number];

const isWay = (text: string): text is AuthenticationWay => WAYS.some((way) => way === text);

const ways = list.transform((items, context) => {
  const known = items.filter(isWay);
  if (known.length === items.length && known.length > 0) return known;
  context.addIssue({ code: "custom", message: `expected some of ${WAYS.join(", ")}` });
  return z.NEVER;
});

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const tenants = list.transform((items, context) => {
  const ids = items.map((item) => item.toLowerCase());
  if (ids.every((id) => GUID.test(id))) return ids;
  context.addIssue({ code: "custom", message: "expected ids of tenants (GUIDs)" });
  return z.NEVER;
});

const lowerCased = list.transform((items) => items.map((item) => item.toLowerCase()));

// Keys that come over a line anybody can write to are nobody's: plain http is for this machine only.
const authority = z
  .url()
  .transform((text) => new URL(text))
  .refine(({ protocol, hostname }) => protocol === "https:" || hostname === "127.0.0.1", {
    error: "expected an https URL",
  })
  .transform(({ origin }) => origin);

/** Settings that say how callers prove who they are. */
export const authenticationShape = {
  GATEWAY_AUTHENTICATION: ways.default(["anonymous"]),
  GATEWAY_AUTH_AUTHORITY: authority.default("https://login.microsoftonline.com"),
  GATEWAY_AUTH_TENANTS: tenants.default([]),
  GATEWAY_AUTH_AUDIENCES: list.default([]),
  GATEWAY_AUTH_APPS: lowerCased.default([]),
  GATEWAY_AUTH_ROLES: list.default([]),
  GATEWAY_AUTH_OPERATOR_ROLES: list.default(["Gateway.Operator"]),
  GATEWAY_AUTH_TRUSTED_CALLERS: lowerCased.default([]),
  GATEWAY_AUTH_CLOCK_SKEW_SECONDS: integer(0, 300).default(60),
};

const authenticationSchema = z.object(authenticationShape);
type RawAuthentication = z.infer<typeof authenticationSchema>;

/** How callers prove who they are. Ids are in lower case. */
export interface AuthenticationSettings {
  readonly ways: ReadonlySet<AuthenticationWay>;
  /** Origin of the identity service; it differs by cloud. */
  readonly authority: string;
  readonly tenants: readonly string[];
  readonly audiences: readonly string[];
  /** Applications that may call; undefined for every one of the tenants. */
  readonly apps: ReadonlySet<string> | undefined;
  /** Roles or scopes of which a caller needs one; none for no such need. */
  readonly roles: readonly string[];
  readonly operatorRoles: readonly string[];
  /** Application or object ids of those whose word counts for whom they call (API Management). */
  readonly trustedCallers: ReadonlySet<string>;
  readonly clockSkewSeconds: number;
}

const ANY = "*";

/** The authentication's part of the settings. */
export function toAuthentication(raw: RawAuthentication): AuthenticationSettings {
  const apps = raw.GATEWAY_AUTH_APPS;
  return Object.freeze({
    ways: new Set(raw.GATEWAY_AUTHENTICATION),
    authority: raw.GATEWAY_AUTH_AUTHORITY,
    tenants: raw.GATEWAY_AUTH_TENANTS,
    audiences: raw.GATEWAY_AUTH_AUDIENCES,
    apps: apps.length === 0 || apps.includes(ANY) ? undefined : new Set(apps),
    roles: raw.GATEWAY_AUTH_ROLES,
    operatorRoles: raw.GATEWAY_AUTH_OPERATOR_ROLES,
    trustedCallers: new Set(raw.GATEWAY_AUTH_TRUSTED_CALLERS),
    clockSkewSeconds: raw.GATEWAY_AUTH_CLOCK_SKEW_SECONDS,
  });
}

/** What only shows when these settings are seen together, and with the platform's. */
export function authenticationProblems(env: Environment): string[] {
  const isInAzure = Boolean(env["WEBSITE_SITE_NAME"] || env["WEBSITE_INSTANCE_ID"]);
  const asked = env["GATEWAY_AUTHENTICATION"];
  if (!asked) return isInAzure ? ["GATEWAY_AUTHENTICATION: must be set in Azure"] : [];
  const chosen = new Set(ways.safeParse(asked).data);
  const problems: string[] = [];
  if (chosen.has("anonymous") && chosen.has("function-key")) {
    problems.push("GATEWAY_AUTHENTICATION: anonymous and function-key contradict each other");
  }
  if (chosen.has("easy-auth") && env["WEBSITE_AUTH_ENABLED"]?.toLowerCase() !== "true") {
    problems.push(
      "GATEWAY_AUTHENTICATION: easy-auth needs App Service authentication, " +
        "or anybody could write its headers",
    );
  }
  if (chosen.has("easy-auth") || chosen.has("entra")) problems.push(...openDoors(env, chosen));
  return problems;
}

/** Settings without which a proof of identity would prove too little. */
function openDoors(env: Environment, chosen: ReadonlySet<AuthenticationWay>): string[] {
  const problems: string[] = [];
  if (!env["GATEWAY_AUTH_TENANTS"]) problems.push("GATEWAY_AUTH_TENANTS: must name a tenant");
  if (chosen.has("entra") && !env["GATEWAY_AUTH_AUDIENCES"]) {
    problems.push("GATEWAY_AUTH_AUDIENCES: must name this app, or tokens for others would count");
  }
  // Entra ID gives any application of a tenant a token for any other, unless that demands a role.
  if (!env["GATEWAY_AUTH_APPS"] && !env["GATEWAY_AUTH_ROLES"]) {
    problems.push(
      "GATEWAY_AUTH_APPS: must name the applications that may call (* for all of the tenants), " +
        "unless GATEWAY_AUTH_ROLES names roles",
    );
  }
  return problems;
}
