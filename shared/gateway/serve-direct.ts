import { createDeadline } from "../core/deadline.ts";
import { GatewayError } from "../core/errors.ts";
import type { GatewayResponse } from "../core/http.ts";
import type { Slot } from "../scheduling/index.ts";
import { responseBroken } from "../telemetry/index.ts";
import { answerBody } from "./answer-body.ts";
import { callBackends } from "./call-backends.ts";
import type { AdmittedRequest } from "./request-envelope.ts";
import type { Services } from "./services.ts";

/** The reason with which every wait for an answer ends when the time to live is over. */
export const ttlExpired = (): GatewayError =>
  new GatewayError("ttl-expired", "The request's time to live ended before an answer was there.");

/**
 * Serves a request in process: waits for a slot unless it comes with one, calls the backends, and
 * streams the answer through. The slot is held until the last byte, or until the client leaves.
 */
export async function serveDirect(
  services: Services,
  admitted: AdmittedRequest,
  freeSlot?: Slot,
): Promise<GatewayResponse> {
  const { request, ticket, body } = admitted;
  using deadline = createDeadline(services.clock, ticket.expiresAt, {
    reason: ttlExpired,
    parent: request.closed,
  });
  const slot =
    freeSlot ??
    (await services.slots.acquire({
      priority: ticket.priority,
      signal: deadline.signal,
      isLimited: true,
    }));
  try {
    const outgoing = { ...request, body, attemptTimeoutMs: ticket.attemptTimeoutMs };
    const answer = await callBackends(services, outgoing, deadline.signal);
    return {
      status: answer.status,
      headers: answer.headers,
      body: answerBody(answer, {
        method: request.method,
        closed: request.closed,
        onEnd(error) {
          slot.release();
          if (error !== undefined) services.emit(responseBroken(request.id, error));
        },
      }),
    };
  } catch (error) {
    slot.release();
    throw error;
  }
}
