import type { JWTPayload } from "jose";
import type { AuthenticationSettings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { issuersOf } from "./issuers-of.ts";
import { type FetchJson, SigningKeys } from "./signing-keys.ts";
import { type VerifiedCaller, verifiedCaller } from "./verified-caller.ts";

// The only algorithm with which Entra ID signs: a token does not get to choose how it is checked.
const ALGORITHMS = ["RS256"];
const MAX_TOKEN_LENGTH = 16_384;
// What stands in a token that was checked holds for this long without another check.
const REMEMBERED_MS = 300_000;
const MAX_REMEMBERED = 1000;

interface Remembered {
  readonly caller: VerifiedCaller;
  readonly until: number;
}

/**
 * Checks access tokens of Entra ID, of either version: signature, issuer, audience, tenant, times,
 * application and roles. Remembers the latest that were right. Scope: per instance.
 */
export class TokenVerifier {
  readonly #settings: AuthenticationSettings;
  readonly #clock: Clock;
  readonly #keys: ReadonlyMap<string, SigningKeys>;
  readonly #remembered = new Map<string, Remembered>();

  constructor(
    settings: AuthenticationSettings,
    { clock, fetchJson }: { clock: Clock; fetchJson: FetchJson },
  ) {
    this.#settings = settings;
    this.#clock = clock;
    const keysOf = (tenant: string): SigningKeys =>
      new SigningKeys(`${settings.authority}/${tenant}/discovery/v2.0/keys`, { clock, fetchJson });
    this.#keys = new Map(settings.tenants.map((tenant) => [tenant, keysOf(tenant)]));
  }

  /** Whose token it is; throws `token-refused`, `caller-not-allowed` or `identity-unavailable`. */
  async verify(token: string): Promise<VerifiedCaller> {
    const known = this.#remembered.get(token);
    if (known && known.until > this.#clock.now()) return known.caller;
    this.#remembered.delete(token);
    const payload = await this.#check(token);
    const caller = verifiedCaller(claimsOf(payload), this.#settings);
    const expiresAt = (payload.exp ?? 0) * 1000;
    this.#remember(token, {
      caller,
      until: Math.min(expiresAt, this.#clock.now() + REMEMBERED_MS),
    });
    return caller;
  }

  async #check(token: string): Promise<JWTPayload> {
    if (token.length > MAX_TOKEN_LENGTH) throw refused();
    const { decodeJwt, errors, jwtVerify } = await import("jose");
    try {
      // Read before it is believed, for one thing only: which tenant's keys must have signed it.
      const tenant = textOf(decodeJwt(token)["tid"])?.toLowerCase() ?? "";
      const keys = this.#keys.get(tenant);
      if (!keys) throw refused();
      const { audiences, clockSkewSeconds } = this.#settings;
      const { payload } = await jwtVerify(token, keys.find, {
        algorithms: ALGORITHMS,
        issuer: issuersOf(this.#settings.authority, tenant),
        audience: [...audiences],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(this.#clock.now()),
        requiredClaims: ["exp", "iat", "tid"],
      });
      return payload;
    } catch (error) {
      // What exactly was wrong helps nobody but whoever makes false tokens.
      if (error instanceof errors.JOSEError || error instanceof TypeError) throw refused(error);
      throw error;
    }
  }

  #remember(token: string, remembered: Remembered): void {
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined && this.#remembered.size >= MAX_REMEMBERED) {
      this.#remembered.delete(oldest);
    }
    this.#remembered.set(token, remembered);
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

function claimsOf(payload: JWTPayload) {
  const { roles, scp } = payload;
  return {
    tenantId: textOf(payload["tid"]),
    objectId: textOf(payload["oid"]) ?? textOf(payload.sub),
    appId: textOf(payload["azp"]) ?? textOf(payload["appid"]),
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : [],
    scopes: textOf(scp)?.split(" ") ?? [],
  };
}

/** The refusal of a token; RFC 6750, section 3. */
export function refused(cause?: unknown): GatewayError {
  return new GatewayError("token-refused", "The access token is not accepted.", {
    cause,
    headers: [["www-authenticate", 'Bearer error="invalid_token"']],
  });
}
