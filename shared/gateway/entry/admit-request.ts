import { admit, type Ticket } from "../../admission/index.ts";
import { GatewayError } from "../../core/errors.ts";
import { type HeaderList, headerValue } from "../../core/headers.ts";
import type { GatewayRequest } from "../../core/http.ts";
import type { Profile } from "../../identity/index.ts";
import { modelHint } from "../../telemetry/index.ts";
import type { PolicySnapshot } from "../policy.ts";
import { readRequestBody } from "../read-request-body.ts";
import type { Services } from "../services.ts";
import { notifyTargets } from "./notify-targets.ts";
import type { Recognised } from "./recognise.ts";
import type { AdmittedRequest } from "./request-envelope.ts";

/** Lets a request of a known caller in, with its whole body, or throws with the reason why not. */
export async function admitRequest(
  services: Services,
  request: GatewayRequest,
  recognised: Recognised,
): Promise<AdmittedRequest & Recognised> {
  const { headers, policy, profile } = recognised;
  const admission = admit(headers, request.receivedAt, policy.settings);
  if (!admission.admitted) throw new GatewayError(admission.code, admission.detail);
  const admitted = {
    ...recognised,
    request: { ...request, headers },
    ticket: withoutForbiddenAsync(admission.ticket, profile, policy),
    showsReceipt: asksForReceipt(headers) && mayDebug(services, recognised),
    notify: notifyTargets(recognised),
  };
  const body = await readRequestBody(request, policy.settings.maxBodyBytes);
  return { ...admitted, body, askedModel: modelHint(body) };
}

const asksForReceipt = (headers: HeaderList): boolean =>
  headerValue(headers, "S7PDEBUG")?.trim().toLowerCase() === "true";

function mayDebug({ operators }: Services, recognised: Recognised): boolean {
  const { headers, profile, verified } = recognised;
  if (profile?.mayDebug === true || verified?.isOperator === true) return true;
  return operators(headers) === "operator";
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
