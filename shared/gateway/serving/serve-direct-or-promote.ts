import { asJobTicket } from "../../admission/index.ts";
import type { GatewayResponse } from "../../core/http.ts";
import { lifetimeOf } from "../entry/lifetime.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import { acceptedAnswer } from "../jobs/accepted-answer.ts";
import { jobOwnershipOf } from "../jobs/job-record.ts";
import { answeredOrPromoted } from "../promotion/answered-or-promoted.ts";
import { InProcessPromotion } from "../promotion/in-process-promotion.ts";
import type { Promoter } from "../promotion/promoter.ts";
import type { Services } from "../services.ts";
import type { TakenSlot } from "./in-slot.ts";
import { serveDirect } from "./serve-direct.ts";

/**
 * Serves a request in process; when its answer has not begun in time, its caller gets a 202 and the same
 * work goes on as the first attempt of a job. Until then a client that leaves ends it, afterwards not.
 */
export async function serveDirectOrPromote(
  services: Services,
  admitted: AdmittedRequest,
  { promoter, freeSlot }: { promoter: Promoter; freeSlot: TakenSlot | undefined },
): Promise<GatewayResponse> {
  const { clock, settings } = services;
  const { at, expiresAt, preference: preferenceApplied } = promoter.promotion;
  const lifetime = lifetimeOf(services, admitted);
  // Once it is a job it may take longer, and nobody knows yet whether it will be one.
  const working = serveDirect(services, admitted, { lifetime, freeSlot, expiresAt });
  let begun: InProcessPromotion | undefined;
  const promotion = (): InProcessPromotion => {
    const ticket = asJobTicket(admitted.ticket, admitted.request.headers, settings);
    begun ??= new InProcessPromotion(services, promoter, { ...admitted, ticket });
    return begun;
  };
  const response = await answeredOrPromoted(clock, {
    working,
    at,
    promote: () => promotion().promote(),
    retract: () => promotion().retract(),
  });
  if (response) return response;
  lifetime.outlive(expiresAt);
  promotion().detach({ working, stop: lifetime });
  return acceptedAnswer(services, {
    job: jobOwnershipOf(admitted),
    state: "running",
    preferenceApplied,
  });
}
