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
  /** Application roles: what was given to the user, or to the application itself. */
  readonly roles: readonly string[];
  /** What an application may do for its users; an application that asks for itself has none. */
  readonly scopes: readonly string[];
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
  const { roles, scopes } = claims;
  // An application that is trusted is so for itself: its users hold such a token, too, and may have it asked for.
  const isItself = scopes.length === 0;
  const isTrusted = rules.trustedCallers.has(id) || (isItself && rules.trustedCallers.has(appId));
  // No scope makes an operator: it says what an application may do for whoever signs in to it.
  const isOperator = rules.operatorRoles.some((role) => roles.includes(role));
  if (!isTrusted && !isOperator) {
    if (rules.apps && !rules.apps.has(appId)) throw notAllowed("The application may not call.");
    const hasRole = rules.roles.some((role) => roles.includes(role) || scopes.includes(role));
    if (rules.roles.length > 0 && !hasRole) {
      throw notAllowed("The caller has none of the roles that may call.");
    }
  }
  return Object.freeze({ id, appId, isTrusted, isOperator });
}

const notAllowed = (detail: string): GatewayError => new GatewayError("caller-not-allowed", detail);
