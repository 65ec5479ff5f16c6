import { validate } from "../../admission/index.ts";
import type { Settings } from "../../config/index.ts";
import { GatewayError } from "../../core/errors.ts";
import { type HeaderList, withoutConnection, withoutHeaders } from "../../core/headers.ts";
import type { GatewayRequest } from "../../core/http.ts";
import {
  ANONYMOUS_USER,
  type Authenticated,
  type Caller,
  type Profile,
  type VerifiedCaller,
} from "../../identity/index.ts";
import type { PolicySnapshot } from "../policy.ts";
import type { Services } from "../services.ts";

/** Who asks, as the policy in force has it. */
export interface Recognised {
  readonly caller: Caller;
  readonly profile: Profile | undefined;
  /** The proof of identity, where there was one. */
  readonly verified: VerifiedCaller | undefined;
  /** The headers with which the request goes on. */
  readonly headers: GatewayRequest["headers"];
  readonly policy: PolicySnapshot;
}

type AskedParts = Pick<GatewayRequest, "headers" | "target">;

/** Authenticates a request and holds it against the policy in force; throws with the code of what it lacks. */
export async function recognise(
  services: Pick<Services, "policy" | "authenticate">,
  { headers, target }: AskedParts,
): Promise<Recognised> {
  const { authenticate, policy } = services;
  if (!authenticate) return recogniseAsSaid(services, { headers, target });
  const authenticated = await authenticate(headers);
  await policy.start();
  const current = policy.current();
  const identified = withIdentity(authenticated, current);
  const recognised = judge({ headers: identified, target }, current);
  return { ...recognised, verified: refuseSuspended(authenticated.caller, current) };
}

/** The same, of a request whose headers are believed in what they say of its caller. */
export async function recogniseAsSaid(
  { policy }: Pick<Services, "policy">,
  parts: AskedParts,
): Promise<Recognised> {
  await policy.start();
  return judge(parts, policy.current());
}

function judge(parts: AskedParts, policy: PolicySnapshot): Recognised {
  const validation = validate(parts, policy.identity, policy.rules);
  if (!validation.ok) throw new GatewayError(validation.code, validation.detail);
  const { profile } = validation;
  const caller = callerOf(validation.caller.userId, profile);
  const headers = withoutConnection(validation.headers, () => judgedNames(policy, profile));
  return { caller, profile, verified: undefined, headers, policy };
}

/** What was judged of a request goes on to the backend as it was judged. */
const judgedNames = (
  { rules, settings }: PolicySnapshot,
  profile: Profile | undefined,
): readonly string[] => [
  ...identityHeaders(settings),
  ...rules.required.map((name) => name.toLowerCase()),
  ...(profile?.headerNames ?? []),
];

/**
 * The headers that say who calls, written after the proof: a client that is not trusted to speak for
 * others cannot say that it is somebody else, and one that has proved nothing is nobody.
 */
function withIdentity(
  { caller, headers }: Authenticated,
  { settings, identity }: PolicySnapshot,
): HeaderList {
  if (caller?.isTrusted) return headers;
  const { userHeaders, policy } = settings;
  const names = identityHeaders(settings);
  const rest = withoutHeaders(headers, (name) => names.has(name));
  if (!caller) return rest;
  // A profile may be a user's or an application's.
  const known = [caller.id, caller.appId].find((id) => identity.findProfile(id));
  const profileId = known ?? (policy.profileRequired ? caller.id : undefined);
  const userHeader = userHeaders[0];
  return [
    ...rest,
    [policy.appIdHeader, caller.appId],
    ...(policy.useProfiles && profileId ? [[policy.profileHeader, profileId] as const] : []),
    ...(userHeader === undefined ? [] : [[userHeader, caller.id] as const]),
  ];
}

function identityHeaders({ userHeaders, policy }: Settings): ReadonlySet<string> {
  const names = [policy.appIdHeader, policy.profileHeader, ...userHeaders];
  return new Set(names.map((name) => name.toLowerCase()));
}

/** Suspension holds for who somebody is, whatever the profile makes of the user's name. */
function refuseSuspended(
  caller: VerifiedCaller | undefined,
  { identity }: PolicySnapshot,
): VerifiedCaller | undefined {
  if (caller && (identity.isSuspended(caller.id) || identity.isSuspended(caller.appId))) {
    throw new GatewayError("user-suspended", "The user is suspended.");
  }
  return caller;
}

/** Without a name of its own the caller goes by its profile; with one it shares in the profile's share. */
function callerOf(userId: string, profile: Profile | undefined): Caller {
  if (!profile) return { userId };
  return {
    userId: userId === ANONYMOUS_USER ? profile.id : userId,
    groupId: profile.group ?? profile.id,
  };
}
