import { GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/headers.ts";
import type { GatewayRequest, GatewayResponse } from "../../core/http.ts";
import type { Slot } from "../../scheduling/index.ts";
import { responseBroken } from "../../telemetry/index.ts";
import { answerBody } from "../calls/answer-body.ts";
import { headersOfRequest } from "../calls/attempt-headers.ts";
import { callBackends, type RoutedAnswer, tripOf } from "../calls/call-backends.ts";
import { withRequeues } from "../calls/with-requeues.ts";
import type { Lifetime } from "../entry/lifetime.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import type { Services } from "../services.ts";
import { explainError } from "./explain-error.ts";
import { inSlot, type TakenSlot } from "./in-slot.ts";

/** How a request is served in process. */
export interface DirectOptions {
  /** What ends the work for it. */
  readonly lifetime: Lifetime;
  /** A slot that it comes with. */
  readonly freeSlot?: TakenSlot | undefined;
  /** Epoch milliseconds until which it may take; that of its ticket unless given. */
  readonly expiresAt?: number;
}

/**
 * Serves a request in process: waits for a slot unless it comes with one, calls the backends, and
 * streams the answer through. The slot is held until the last byte, or until the client leaves.
 */
export async function serveDirect(
  services: Services,
  admitted: AdmittedRequest,
  { lifetime, freeSlot, expiresAt = admitted.ticket.expiresAt }: DirectOptions,
): Promise<GatewayResponse> {
  const { request, ticket, caller, body, askedModel, usage, showsReceipt = false } = admitted;
  const { signal } = lifetime;
  const { priority, attemptTimeoutMs } = ticket;
  const trip = tripOf(services, { ...request, priority, expiresAt });
  const outgoing = {
    ...request,
    body,
    askedModel,
    caller,
    usage,
    attemptTimeoutMs,
    priority,
    expiresAt,
    showsReceipt,
    wholeBytes: services.settings.transport.wholeBytes,
    trip,
  };
  let place: number | undefined;
  const demand = { ...caller, priority, expiresAt, signal };
  try {
    const estimatedWaitMs = freeSlot
      ? undefined
      : expectedWait(services, { ...caller, priority, deadlineAt: expiresAt });
    return await withRequeues(services, { trip, caller, signal }, (isAgain) =>
      inSlot(services, {
        freeSlot: isAgain ? undefined : freeSlot,
        demand: { ...demand, isLimited: !isAgain, place },
        async run(slot, wanted) {
          admitted.reservation?.started();
          place = slot.place;
          const answer = await callBackends(services, outgoing, wanted);
          // It may have to give way in the moment in which its answer began: what is not here yet is broken off.
          if (wanted.aborted && !signal.aborted && !answer.whole) {
            // Nobody gets a byte of it, but its backend counts it.
            answer.usage?.current?.ended("unused");
            answer.discard();
            throw wanted.reason;
          }
          slot.delivered();
          lifetime.begun();
          return streamThrough(services, request, { answer, slot, lifetime, estimatedWaitMs });
        },
      }),
    );
  } catch (error) {
    lifetime.ended();
    throw explainError(services, { trip, showsReceipt }, error);
  }
}

/** Refuses at once what, by the measured rate, would rot in the queue until its deadline. */
function expectedWait(
  { slots }: Services,
  demand: Parameters<Services["slots"]["canMeet"]>[0],
): number | undefined {
  const outlook = slots.canMeet(demand);
  if (!outlook.refused) return outlook.estimatedWaitMs;
  throw waitTooLong(outlook.retryAfterMs);
}

/** Refuses what would only rot in a queue. */
export const waitTooLong = (retryAfterMs: number): GatewayError =>
  new GatewayError(
    "wait-too-long",
    "By the measured rate no slot would be free before the request's time to live ends.",
    { retryAfterMs },
  );

interface ExpectedWait {
  readonly position: number;
  readonly estimatedWaitMs: number | undefined;
}

/** What a request that waited is told of its wait: its place when it came, and what was expected. */
export function waitHeaders({ position, estimatedWaitMs }: ExpectedWait): HeaderList {
  if (position === 0) return [];
  const place = ["x-queue-position", String(position)] as const;
  return estimatedWaitMs === undefined
    ? [place]
    : [place, ["x-estimated-wait-ms", String(Math.round(estimatedWaitMs))]];
}

interface Begun {
  readonly answer: RoutedAnswer;
  readonly slot: Slot;
  readonly lifetime: Lifetime;
  readonly estimatedWaitMs: number | undefined;
}

function streamThrough(
  services: Services,
  { id, method, receivedAt }: GatewayRequest,
  { answer, slot, lifetime, estimatedWaitMs }: Begun,
): GatewayResponse {
  const body = answerBody(answer, {
    method,
    closed: lifetime.signal,
    onEnd(error) {
      slot.release();
      lifetime.ended();
      if (error !== undefined) services.emit(responseBroken(id, error));
    },
  });
  const taken = headersOfRequest(id, answer, services.clock.now() - receivedAt);
  const waited = waitHeaders({ position: slot.position, estimatedWaitMs });
  const headers = [...answer.headers, ...taken, ...waited];
  const { status, trailers, attemptCount, processMs, backend, called } = answer;
  return { status, headers, body, trailers, route: { attemptCount, processMs, backend, called } };
}
