import { GatewayError } from "../core/errors.ts";
import { type GatewayResponse, jsonResponse } from "../core/http.ts";
import type { JobEngine } from "../jobs/index.ts";
import { type AdmittedRequest, toEnvelope } from "./request-envelope.ts";
import { resultPlaceOf } from "./result-place.ts";
import type { Services } from "./services.ts";

const FIRST_POLL_SECONDS = 1;

/**
 * Makes a job of a request. The order is the promise: body, then row, then orchestrator, and only
 * then the 202, so that whatever was answered 202 survives any crash.
 */
export async function acceptJob(
  services: Services,
  admitted: AdmittedRequest,
  engine: JobEngine | undefined,
): Promise<GatewayResponse> {
  const { settings, waitingRoom, jobs } = services;
  if (!waitingRoom || !jobs || !engine) {
    throw new GatewayError("async-unavailable", "This app serves no asynchronous requests.");
  }
  const { request, caller, ticket, profile } = admitted;
  const { id } = request;
  const results = resultPlaceOf(profile);
  const body = await waitingRoom.claimCheck.pack(`jobs/${id}/request`, admitted.body);
  const facts = { kind: "job", body, maxAttempts: settings.jobMaxAttempts } as const;
  await jobs.store.insert({
    id,
    owner: caller.userId,
    priority: ticket.priority,
    createdAt: request.receivedAt,
    expiresAt: ticket.expiresAt,
    request: JSON.stringify(toEnvelope(admitted, facts, settings)),
    ...(results ? { results } : {}),
  });
  await engine.start(id, {
    jobId: id,
    expiresAt: ticket.expiresAt,
    maxAttempts: settings.jobMaxAttempts,
    reconcileMs: settings.jobReconcileMs,
  });
  return jsonResponse(202, { id, state: "queued", links: jobLinks(id) }, [
    ["location", `/jobs/${id}`],
    ["retry-after", String(FIRST_POLL_SECONDS)],
  ]);
}

/** Where a job is found. Relative, so that they hold behind any front door. */
export function jobLinks(id: string): { self: string; result: string } {
  return { self: `/jobs/${id}`, result: `/jobs/${id}/result` };
}
