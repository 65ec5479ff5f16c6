import type { AuthenticationSettings } from "../config/index.ts";
import { GatewayError } from "../core/errors.ts";

/** Somebody whose identity was proved, by a token or by the platform. Ids are in lower case. */
export interface VerifiedCaller {
  /** The user's or the application's object id: whose request it is. */
  readonly id: string;
  /** The application that calls, for itself or for the user. */
  readonly appId: string;
  /** Whether its word counts for whom it calls: what its headers say of the caller holds. */
  readonly isTrusted: boolean;
  readonly isOperator: boolean;
}

/** What a proof says of the caller, whatever its form. */
export interface IdentityClaims {
  readonly tenantId: string | undefined;
  readonly objectId: string | undefined;
  readonly appId: string | undefined;
  /** Application roles and delegated scopes. */
  readonly roles: readonly string[];
}

type CallerRules = Pick<
  AuthenticationSettings,
  "tenants" | "apps" | "roles" | "operatorRoles" | "trustedCallers"
>;

/** The caller of a proof that holds; throws `caller-not-allowed` for those who may not call. */
export function verifiedCaller(claims: IdentityClaims, rules: CallerRules): VerifiedCaller {
  const [tenantId, id, appId] = [claims.tenantId, claims.objectId, claims.appId].map((text) =>
    text?.toLowerCase(),
  );
  if (tenantId === undefined || !rules.tenants.includes(tenantId)) {
    throw notAllowed("The caller belongs to no tenant that may call.");
  }
  if (!id || !appId) throw notAllowed("The proof of identity names no caller.");
  const has = (wanted: readonly string[]): boolean =>
    wanted.some((role) => claims.roles.includes(role));
  const isTrusted = rules.trustedCallers.has(appId) || rules.trustedCallers.has(id);
  const isOperator = has(rules.operatorRoles);
  if (!isTrusted && !isOperator) {
    if (rules.apps && !rules.apps.has(appId)) throw notAllowed("The application may not call.");
    if (rules.roles.length > 0 && !has(rules.roles)) {
      throw notAllowed("The caller has none of the roles that may call.");
    }
  }
  return Object.freeze({ id, appId, isTrusted, isOperator });
}

const notAllowed = (detail: string): GatewayError => new GatewayError("caller-not-allowed", detail);
