import type { AuthenticationSettings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import { GatewayError } from "../core/errors.ts";
import { type HeaderList, withoutHeaders } from "../core/headers.ts";
import { easyAuthCaller, PRINCIPAL_HEADER } from "./easy-auth.ts";
import type { FetchJson } from "./signing-keys.ts";
import { refused, TokenVerifier } from "./token-verifier.ts";
import type { VerifiedCaller } from "./verified-caller.ts";

/** A request's headers once its caller is known: without the proof, which is for nobody else. */
export interface Authenticated {
  /** Absent where somebody came in unknown, as the settings allow. */
  readonly caller: VerifiedCaller | undefined;
  readonly headers: HeaderList;
}

/** Finds out who calls; throws where the settings demand more than the request shows. */
export type Authenticate = (headers: HeaderList) => Promise<Authenticated>;

const AUTHORIZATION = "authorization";
const BEARER = /^Bearer +(\S+) *$/i;
// Three parts in base64url; a key of some other service, which is passed on, has not that shape.
const TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** How callers are authenticated; undefined where they need not and cannot prove anything. */
export function createAuthentication(
  settings: AuthenticationSettings,
  adapters: { clock: Clock; fetchJson: FetchJson },
): Authenticate | undefined {
  const { ways } = settings;
  if (!ways.has("entra") && !ways.has("easy-auth")) return undefined;
  const verifier = ways.has("entra") ? new TokenVerifier(settings, adapters) : undefined;
  return async (headers) => {
    const principal = ways.has("easy-auth") ? principalIn(headers) : undefined;
    if (principal !== undefined) {
      return { caller: easyAuthCaller(principal, settings), headers: withoutProof(headers) };
    }
    const token = verifier && tokenIn(headers, ways.has("anonymous"));
    if (verifier && token !== undefined) {
      const caller = await verifier.verify(token);
      return { caller, headers: caller.isTrusted ? withoutToken(headers) : withoutProof(headers) };
    }
    if (ways.has("anonymous")) return { caller: undefined, headers: withoutPrincipal(headers) };
    throw new GatewayError("unauthenticated", "The request proves nobody's identity.", {
      headers: [["www-authenticate", "Bearer"]],
    });
  };
}

/** The one proof of its kind; of two nobody can say which another reader would take. */
function onlyOne(headers: HeaderList, wanted: string): string | undefined {
  const [first, second] = headers.filter(([name]) => name.toLowerCase() === wanted);
  if (second) throw refused();
  return first?.[1];
}

/** What the platform says. Two of them joined to one would be read up to the first one's end. */
function principalIn(headers: HeaderList): string | undefined {
  const principal = onlyOne(headers, PRINCIPAL_HEADER);
  if (principal?.includes(",")) throw refused();
  return principal;
}

function tokenIn(headers: HeaderList, mayBeAnonymous: boolean): string | undefined {
  const token = BEARER.exec(onlyOne(headers, AUTHORIZATION) ?? "")?.[1];
  const isOther = mayBeAnonymous && token !== undefined && !TOKEN_SHAPE.test(token);
  return isOther ? undefined : token;
}

const isPrincipal = (name: string): boolean =>
  name.startsWith(PRINCIPAL_HEADER) || name.startsWith("x-ms-token-");

const withoutPrincipal = (headers: HeaderList): HeaderList => withoutHeaders(headers, isPrincipal);

const withoutToken = (headers: HeaderList): HeaderList =>
  withoutHeaders(headers, (name) => name === AUTHORIZATION);

const withoutProof = (headers: HeaderList): HeaderList =>
  withoutHeaders(headers, (name) => name === AUTHORIZATION || isPrincipal(name));
