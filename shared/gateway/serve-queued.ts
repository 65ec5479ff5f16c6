import { createDeadline } from "../core/deadline.ts";
import { GatewayError } from "../core/errors.ts";
import type { GatewayResponse, RouteFacts } from "../core/http.ts";
import type { ReplyEnvelope } from "../messaging/index.ts";
import { type QueuePlace, retryAfterWait } from "../scheduling/index.ts";
import { timingHeaders } from "./attempt-headers.ts";
import { enterLane, type LaneEntry } from "./enter-lane.ts";
import { packRequestBody } from "./read-request-body.ts";
import { type AdmittedRequest, toEnvelope } from "./request-envelope.ts";
import { ttlExpired, waitHeaders } from "./serve-direct.ts";
import { laneFor, type Services, type WaitingRoom } from "./services.ts";

/** Serves a request through its lane: stores it, holds the connection, and waits for the reply. */
export async function serveQueued(
  services: Services,
  room: WaitingRoom,
  admitted: AdmittedRequest,
): Promise<GatewayResponse> {
  const { ticket, caller } = admitted;
  const left = new AbortController();
  const place = takePlace(services, room, { ...admitted, leave: (why) => left.abort(why) });
  const entry = enterLane(services, ticket.priority, caller);
  try {
    const response = await exchange(services, room, { admitted, entry, left });
    return { ...response, headers: [...response.headers, ...waitHeaders(entry.judgement)] };
  } finally {
    entry.hold.release();
    place.leave();
  }
}

interface Exchange {
  readonly admitted: AdmittedRequest;
  readonly entry: LaneEntry;
  /** Ends the wait before the deadline. */
  readonly left: AbortController;
}

/** Sends the request, and waits for its reply. */
async function exchange(
  services: Services,
  room: WaitingRoom,
  { admitted, entry, left }: Exchange,
): Promise<GatewayResponse> {
  const { request, ticket } = admitted;
  using deadline = createDeadline(services.clock, ticket.expiresAt, {
    reason: ttlExpired,
    parent: AbortSignal.any([request.closed, left.signal]),
  });
  const reply = room.replies.expect(request.id, deadline.signal);
  // Not awaited: a broker that is slow to take the message must not hold the caller past the deadline.
  enqueue(services, room, { admitted, entry }).catch((error: unknown) => left.abort(error));
  const answer = await reply;
  const { status, headers, body } = answer;
  const bytes = await room.claimCheck.unpack(body);
  // The reply is in hand: its blob serves nobody else, and a failed removal costs only space.
  room.claimCheck.discard(body).catch(() => {});
  const route = routeOf(answer);
  const timing = route ? timingHeaders(route, services.clock.now() - request.receivedAt) : [];
  return {
    route,
    status,
    headers: [...headers, ...timing],
    body: request.method === "HEAD" ? undefined : bytes,
  };
}

/** What the answer took; a worker that gave up may not have said. */
function routeOf({ attempts, processMs, backend }: ReplyEnvelope): RouteFacts | undefined {
  if (attempts === undefined || processMs === undefined) return undefined;
  return { attemptCount: attempts, processMs, backend };
}

async function enqueue(
  services: Services,
  room: WaitingRoom,
  { admitted, entry }: Pick<Exchange, "admitted" | "entry">,
): Promise<void> {
  const { request, ticket } = admitted;
  const lane = laneFor(services.lanes, ticket.priority);
  const envelope = toEnvelope(
    admitted,
    {
      kind: "request",
      body: await packRequestBody(room.claimCheck, `requests/${request.id}`, admitted.body),
      maxAttempts: lane.maxDeliveryCount,
      replySession: room.replies.sessionId,
    },
    services.settings,
  );
  await room.bus.send(entry.queue, {
    messageId: request.id,
    body: envelope,
    timeToLiveMs: ticket.expiresAt - services.clock.now(),
  });
}

/** A place among those that wait; a full queue makes room for whoever holds less of it than others. */
function takePlace(
  { settings, lanes, fairShare }: Services,
  { replies, places }: WaitingRoom,
  { caller, ticket, leave }: AdmittedRequest & { leave: (reason: GatewayError) => void },
): QueuePlace {
  const queueFull = (): GatewayError => {
    const { estimatedWaitMs } = fairShare.book.judge(
      laneFor(lanes, ticket.priority).priority,
      caller,
    );
    return new GatewayError("queue-full", "The queue of waiting requests is full.", {
      retryAfterMs: retryAfterWait(estimatedWaitMs ?? 0),
    });
  };
  const isFull = replies.waiting >= settings.maxQueueLength;
  if (isFull && !places.makeRoomFor(caller)) throw queueFull();
  return places.enter(caller, () => leave(queueFull()));
}
