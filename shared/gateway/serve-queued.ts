import { createDeadline } from "../core/deadline.ts";
import { GatewayError } from "../core/errors.ts";
import type { GatewayResponse } from "../core/http.ts";
import { timingHeaders } from "./attempt-headers.ts";
import { type AdmittedRequest, toEnvelope } from "./request-envelope.ts";
import { ttlExpired } from "./serve-direct.ts";
import { laneFor, type Services, type WaitingRoom } from "./services.ts";

/** Serves a request through its lane: stores it, holds the connection, and waits for the reply. */
export async function serveQueued(
  services: Services,
  room: WaitingRoom,
  admitted: AdmittedRequest,
): Promise<GatewayResponse> {
  const { request, ticket } = admitted;
  if (room.replies.waiting >= services.settings.maxQueueLength) {
    throw new GatewayError("queue-full", "The queue of waiting requests is full.", {
      retryAfterMs: 1000,
    });
  }
  const left = new AbortController();
  using deadline = createDeadline(services.clock, ticket.expiresAt, {
    reason: ttlExpired,
    parent: AbortSignal.any([request.closed, left.signal]),
  });
  const reply = room.replies.expect(request.id, deadline.signal);
  // Not awaited: a broker that is slow to take the message must not hold the caller past the deadline.
  enqueue(services, room, admitted).catch((error: unknown) => left.abort(error));
  const { status, headers, body, attempts: attemptCount, processMs } = await reply;
  const bytes = await room.claimCheck.unpack(body);
  // The reply is in hand: its blob serves nobody else, and a failed removal costs only space.
  room.claimCheck.discard(body).catch(() => {});
  const timing =
    attemptCount === undefined || processMs === undefined
      ? []
      : timingHeaders({ attemptCount, processMs }, services.clock.now() - request.receivedAt);
  return {
    status,
    headers: [...headers, ...timing],
    body: request.method === "HEAD" ? undefined : bytes,
  };
}

async function enqueue(
  services: Services,
  room: WaitingRoom,
  admitted: AdmittedRequest,
): Promise<void> {
  const { request, ticket } = admitted;
  const lane = laneFor(services.lanes, ticket.priority);
  const envelope = toEnvelope(
    admitted,
    {
      kind: "request",
      body: await room.claimCheck.pack(`requests/${request.id}`, admitted.body),
      maxAttempts: lane.maxDeliveryCount,
      replySession: room.replies.sessionId,
    },
    services.settings,
  );
  await room.bus.send(lane.queue, {
    messageId: request.id,
    body: envelope,
    timeToLiveMs: ticket.expiresAt - services.clock.now(),
  });
}
