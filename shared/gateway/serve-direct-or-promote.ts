import { asJobTicket } from "../admission/index.ts";
import { createDeadline } from "../core/deadline.ts";
import type { GatewayResponse } from "../core/http.ts";
import type { Slot } from "../scheduling/index.ts";
import { acceptedAnswer } from "./accepted-answer.ts";
import { answeredOrPromoted } from "./answered-or-promoted.ts";
import { InProcessPromotion } from "./in-process-promotion.ts";
import { jobOwnershipOf } from "./job-record.ts";
import type { Promoter } from "./promoter.ts";
import type { AdmittedRequest } from "./request-envelope.ts";
import { serveDirect, ttlExpired } from "./serve-direct.ts";
import type { Services } from "./services.ts";

/**
 * Serves a request in process; when its answer has not begun in time, its caller gets a 202 and the same
 * work goes on as the first attempt of a job. Until then a client that leaves ends it, afterwards not.
 */
export async function serveDirectOrPromote(
  services: Services,
  admitted: AdmittedRequest,
  { promoter, slot }: { promoter: Promoter; slot: Slot | undefined },
): Promise<GatewayResponse> {
  const { clock, settings } = services;
  const { promotion } = promoter;
  const { request } = admitted;
  const stop = new AbortController();
  const onClosed = (): void => stop.abort(request.closed.reason);
  if (request.closed.aborted) onClosed();
  request.closed.addEventListener("abort", onClosed, { once: true });
  using deadline = createDeadline(clock, admitted.ticket.expiresAt, { reason: ttlExpired });
  const onExpired = (): void => stop.abort(deadline.signal.reason);
  deadline.signal.addEventListener("abort", onExpired, { once: true });
  const ticket = asJobTicket(admitted.ticket, request.headers, settings);
  const working = serveDirect(
    services,
    {
      ...admitted,
      request: { ...request, closed: stop.signal },
      ticket: { ...admitted.ticket, expiresAt: ticket.expiresAt },
    },
    slot,
  );
  const promoted = new InProcessPromotion(services, promoter, { ...admitted, ticket });
  const response = await answeredOrPromoted(clock, {
    working,
    at: promotion.at,
    promote: () => promoted.promote(),
    retract: () => promoted.retract(),
  });
  if (response) return response;
  request.closed.removeEventListener("abort", onClosed);
  deadline.signal.removeEventListener("abort", onExpired);
  promoted.detach({ working, stop });
  const { preference: preferenceApplied } = promotion;
  return acceptedAnswer(services, {
    job: jobOwnershipOf(admitted),
    state: "running",
    preferenceApplied,
  });
}
