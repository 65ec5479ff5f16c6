import { admit, type Ticket, validate } from "../admission/index.ts";
import { GatewayError } from "../core/errors.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import type { GatewayRequest } from "../core/http.ts";
import { ANONYMOUS_USER, type Caller, type Profile } from "../identity/index.ts";
import { notifyTargets } from "./notify-targets.ts";
import type { PolicySnapshot } from "./policy.ts";
import { readRequestBody } from "./read-request-body.ts";
import type { AdmittedRequest } from "./request-envelope.ts";
import type { Services } from "./services.ts";

/** Who asks, as the policy in force has it. */
export interface Recognised {
  readonly caller: Caller;
  readonly profile: Profile | undefined;
  /** The headers with which the request goes on. */
  readonly headers: GatewayRequest["headers"];
  readonly policy: PolicySnapshot;
}

/** Holds a request against the policy in force; throws with the code of what it lacks. */
export async function recognise(
  { policy }: Pick<Services, "policy">,
  { headers, target }: Pick<GatewayRequest, "headers" | "target">,
): Promise<Recognised> {
  await policy.start();
  const current = policy.current();
  const validation = validate({ headers, target }, current.identity, current.rules);
  if (!validation.ok) throw new GatewayError(validation.code, validation.detail);
  const { profile } = validation;
  const caller = callerOf(validation.caller.userId, profile);
  return { caller, profile, headers: validation.headers, policy: current };
}

/** Without a name of its own the caller goes by its profile; with one it shares in the profile's share. */
function callerOf(userId: string, profile: Profile | undefined): Caller {
  if (!profile) return { userId };
  return {
    userId: userId === ANONYMOUS_USER ? profile.id : userId,
    groupId: profile.group ?? profile.id,
  };
}

/** Lets a request in, with its whole body, or throws with the reason why not. */
export async function admitRequest(
  services: Services,
  request: GatewayRequest,
): Promise<AdmittedRequest & Recognised> {
  const recognised = await recognise(services, request);
  const { headers, policy, profile } = recognised;
  const admission = admit(headers, request.receivedAt, policy.settings);
  if (!admission.admitted) throw new GatewayError(admission.code, admission.detail);
  return {
    ...recognised,
    request: { ...request, headers },
    ticket: withoutForbiddenAsync(admission.ticket, profile, policy),
    showsReceipt: asksForReceipt(headers) && mayDebug(services, recognised),
    notify: notifyTargets(recognised),
    body: await readRequestBody(request, policy.settings.maxBodyBytes),
  };
}

const asksForReceipt = (headers: HeaderList): boolean =>
  headerValue(headers, "S7PDEBUG")?.trim().toLowerCase() === "true";

function mayDebug({ operators }: Services, { headers, profile }: Recognised): boolean {
  return profile?.mayDebug === true || operators(headers) === "operator";
}

/** As in the original, a caller whose profile allows no jobs is served synchronously. */
function withoutForbiddenAsync(
  ticket: Ticket,
  profile: Profile | undefined,
  { settings }: PolicySnapshot,
): Ticket {
  const isAllowed = !settings.policy.useProfiles || profile?.asyncAccess.enabled === true;
  if (isAllowed) return ticket;
  const { promotion: _, ...synchronous } = ticket;
  return synchronous;
}
