import { admit, wantsStream } from "../admission/index.ts";
import { collectBytes, TooManyBytesError } from "../core/bytes.ts";
import { ERRORS, GatewayError, toGatewayError } from "../core/errors.ts";
import type { GatewayRequest, GatewayResponse } from "../core/http.ts";
import { problemResponse } from "../core/problem.ts";
import { identifyCaller } from "../identity/index.ts";
import type { JobEngine } from "../jobs/index.ts";
import { requestFailed } from "../telemetry/index.ts";
import { acceptJob } from "./accept-job.ts";
import type { AdmittedRequest } from "./request-envelope.ts";
import { serveDirect } from "./serve-direct.ts";
import { serveOnce } from "./serve-once.ts";
import { serveQueued } from "./serve-queued.ts";
import type { Services } from "./services.ts";

const SHUTDOWN_RETRY_AFTER_MS = 5000;

/**
 * Serves one request, whichever way. Never throws: in streaming mode a handler that throws leaves
 * its client hanging, on Azure too.
 */
export function handleRequest(
  services: Services,
  request: GatewayRequest,
  engine: JobEngine | undefined,
): Promise<GatewayResponse> {
  return answering(services, request.id, () => serve(services, request, engine));
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
    const error = toGatewayError(thrown);
    if (!ERRORS[error.code].expose) services.emit(requestFailed(requestId, error));
    return problemResponse(error, requestId);
  }
}

async function serve(
  services: Services,
  request: GatewayRequest,
  engine: JobEngine | undefined,
): Promise<GatewayResponse> {
  if (services.stopping.aborted) {
    throw new GatewayError("shutting-down", "The gateway is shutting down.", {
      retryAfterMs: SHUTDOWN_RETRY_AFTER_MS,
    });
  }
  const { settings } = services;
  const admission = admit(request.headers, request.receivedAt, settings);
  if (!admission.admitted) throw new GatewayError(admission.code, admission.detail);
  const admitted: AdmittedRequest = {
    request,
    caller: identifyCaller(request.headers, settings.userHeaders),
    ticket: admission.ticket,
    body: await readBody(request, settings.maxBodyBytes),
  };
  return serveOnce(services, admitted, () =>
    admitted.ticket.isAsync ? acceptJob(services, admitted, engine) : serveNow(services, admitted),
  );
}

/** A stream is always direct; the rest goes by the mode, and never into a waiting room that is not there. */
function serveNow(services: Services, admitted: AdmittedRequest): Promise<GatewayResponse> {
  const { settings, waitingRoom, slots } = services;
  const { request, ticket, body } = admitted;
  if (!waitingRoom || settings.syncMode === "direct" || wantsStream(request.headers, body)) {
    return serveDirect(services, admitted);
  }
  const demand = { priority: ticket.priority, userId: admitted.caller.userId };
  const slot = settings.syncMode === "auto" ? slots.tryAcquire(demand) : undefined;
  return slot
    ? serveDirect(services, admitted, slot)
    : serveQueued(services, waitingRoom, admitted);
}

async function readBody(
  { body }: GatewayRequest,
  limitBytes: number,
): Promise<Uint8Array | undefined> {
  if (!body) return undefined;
  try {
    const bytes = await collectBytes(body, limitBytes);
    return bytes.byteLength > 0 ? bytes : undefined;
  } catch (cause) {
    if (cause instanceof TooManyBytesError) {
      throw new GatewayError("request-too-large", cause.message, { cause });
    }
    throw new GatewayError("bad-request", "The request body ended early.", { cause });
  }
}
