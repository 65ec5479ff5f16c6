import { asJobTicket, isJobAtOnce, wantsStream } from "../admission/index.ts";
import { ERRORS, GatewayError, toGatewayError } from "../core/errors.ts";
import type { GatewayRequest, GatewayResponse } from "../core/http.ts";
import { problemResponse } from "../core/problem.ts";
import type { JobEngine } from "../jobs/index.ts";
import { requestFailed } from "../telemetry/index.ts";
import { admitRequest } from "./entry/admit-request.ts";
import { lifetimeOf } from "./entry/lifetime.ts";
import { recognise } from "./entry/recognise.ts";
import type { AdmittedRequest } from "./entry/request-envelope.ts";
import { RequestRecord } from "./entry/request-record.ts";
import { serveOnce } from "./idempotency/serve-once.ts";
import { underPolicy } from "./in-force.ts";
import { acceptJob } from "./jobs/accept-job.ts";
import { refuseOwnResource } from "./own-resources.ts";
import type { Promoter } from "./promotion/promoter.ts";
import { refuseWebSocket } from "./refuse-web-socket.ts";
import type { Services } from "./services.ts";
import { type TakenSlot, takeFreeSlot } from "./serving/in-slot.ts";
import { serveDirect } from "./serving/serve-direct.ts";
import { serveDirectOrPromote } from "./serving/serve-direct-or-promote.ts";
import { serveQueued } from "./serving/serve-queued.ts";
import { SharedBody } from "./shared-body.ts";
import { withinLimits } from "./usage/within-limits.ts";

const SHUTDOWN_RETRY_AFTER_MS = 5000;

/**
 * Serves one request, whichever way. Never throws: in streaming mode a handler that throws leaves
 * its client hanging, on Azure too.
 */
export async function handleRequest(
  services: Services,
  arrived: GatewayRequest,
  engine: JobEngine | undefined,
): Promise<GatewayResponse> {
  const trace = services.tracing?.begin(arrived.headers);
  const request = trace ? { ...arrived, trace } : arrived;
  const record = new RequestRecord(request, services);
  let response: GatewayResponse;
  let error: GatewayError | undefined;
  try {
    response = await serve(services, request, { engine, record });
  } catch (thrown) {
    error = toGatewayError(thrown);
    response = refusal(services, request.id, error);
  }
  record.answered(response, error);
  return response;
}

/** Runs what makes an answer; what it throws becomes the answer instead. */
export async function answering(
  services: Pick<Services, "emit">,
  requestId: string,
  make: () => Promise<GatewayResponse>,
): Promise<GatewayResponse> {
  try {
    return await make();
  } catch (thrown) {
    return refusal(services, requestId, toGatewayError(thrown));
  }
}

/** The answer that an error is; what a client is not to see is told to operators. */
function refusal(
  { emit }: Pick<Services, "emit">,
  requestId: string,
  error: GatewayError,
): GatewayResponse {
  if (!ERRORS[error.code].expose) emit(requestFailed(requestId, error));
  return problemResponse(error, requestId);
}

async function serve(
  services: Services,
  request: GatewayRequest,
  { engine, record }: { engine: JobEngine | undefined; record: RequestRecord },
): Promise<GatewayResponse> {
  if (services.stopping.aborted) {
    throw new GatewayError("shutting-down", "The gateway is shutting down.", {
      retryAfterMs: SHUTDOWN_RETRY_AFTER_MS,
    });
  }
  refuseOwnResource(request);
  refuseWebSocket(request);
  const recognised = await recognise(services, request);
  const admitted = withSharedBody(await admitRequest(services, request, recognised));
  record.admitted(admitted);
  const current = underPolicy(services, admitted.policy);
  try {
    // A repetition is answered from what is kept, and claims nothing of its caller's limits.
    return await serveOnce(current, admitted, (asked) =>
      withinLimits(current, asked, {
        record,
        serve: (claimed) => serveInTime(current, claimed, engine),
      }),
    );
  } finally {
    // With an answer in hand nothing is sent again.
    if (admitted.body && !(admitted.body instanceof Uint8Array)) admitted.body.close();
  }
}

/** A body outside of memory, so that a job may keep it when the request is answered. */
function withSharedBody<Admitted extends AdmittedRequest>(admitted: Admitted): Admitted {
  const { body } = admitted;
  if (body === undefined || body instanceof Uint8Array) return admitted;
  return { ...admitted, body: new SharedBody(body) };
}

/** By a job at once, or by an answer that may turn into one. */
function serveInTime(
  services: Services,
  claimed: AdmittedRequest,
  engine: JobEngine | undefined,
): Promise<GatewayResponse> {
  const { request, ticket } = claimed;
  const { promotion } = ticket;
  const { jobs, waitingRoom: room, settings } = services;
  const canPromote = jobs && room && engine;
  if (!promotion?.isAsked) {
    const promoter = promotion && canPromote && { jobs, room, engine, promotion };
    return serveNow(services, claimed, promoter || undefined);
  }
  const asked = { ...claimed, ticket: asJobTicket(ticket, request.headers, settings) };
  if (!canPromote || isJobAtOnce(ticket, request, claimed.body)) {
    return acceptJob(services, asked, engine);
  }
  return serveNow(services, asked, { jobs, room, engine, promotion });
}

/** A stream is always direct; the rest goes by the mode, and never into a waiting room that is not there. */
function serveNow(
  services: Services,
  admitted: AdmittedRequest,
  promoter: Promoter | undefined,
): Promise<GatewayResponse> {
  const { settings, waitingRoom: room } = services;
  const { request, ticket, body } = admitted;
  const direct = (freeSlot?: TakenSlot): Promise<GatewayResponse> =>
    promoter
      ? serveDirectOrPromote(services, admitted, { promoter, freeSlot })
      : serveDirect(services, admitted, { freeSlot, lifetime: lifetimeOf(services, admitted) });
  if (!room || settings.syncMode === "direct" || wantsStream(request.headers, body)) {
    return direct();
  }
  const demand = { priority: ticket.priority, ...admitted.caller };
  const freeSlot = settings.syncMode === "auto" ? takeFreeSlot(services, demand) : undefined;
  return freeSlot ? direct(freeSlot) : serveQueued(services, admitted, { room, promoter });
}
