import { createDeadline } from "../../core/deadline.ts";
import { GatewayError } from "../../core/errors.ts";
import type { GatewayRequest, GatewayResponse, ResponseBody, RouteFacts } from "../../core/http.ts";
import { FIRST_TURN } from "../../jobs/index.ts";
import type { MessageBody, ReplyEnvelope } from "../../messaging/index.ts";
import { type LaneJudgement, type QueuePlace, retryAfterWait } from "../../scheduling/index.ts";
import { endedEarly } from "../calls/answer-body.ts";
import { headersOfRequest } from "../calls/attempt-headers.ts";
import { isCallersEnd, ttlExpired } from "../end-reasons.ts";
import { type AdmittedRequest, toEnvelope } from "../entry/request-envelope.ts";
import { acceptedAnswer } from "../jobs/accepted-answer.ts";
import { jobOwnershipOf } from "../jobs/job-record.ts";
import { turnMessageId } from "../jobs/place-attempt.ts";
import { enterLane, type LaneEntry } from "../lanes/enter-lane.ts";
import { laneFor } from "../lanes/lane-for.ts";
import { sendTraced } from "../lanes/send-traced.ts";
import { answeredOrPromoted } from "../promotion/answered-or-promoted.ts";
import { promoteQueued } from "../promotion/promote-queued.ts";
import type { Promoter } from "../promotion/promoter.ts";
import { packRequestBody } from "../read-request-body.ts";
import type { Services, WaitingRoom } from "../services.ts";
import { waitHeaders, waitTooLong } from "./serve-direct.ts";

const NOTE_KEPT_MS = 10_000;

/** How a request is served through its lane. */
export interface QueuedOptions {
  readonly room: WaitingRoom;
  /** Absent for requests that must not become jobs. */
  readonly promoter?: Promoter | undefined;
}

/**
 * Serves a request through its lane: stores it, holds the connection, and waits for the reply. When that
 * has not come in time, the caller gets a 202, and the message in the lane is the job's first attempt.
 */
export async function serveQueued(
  services: Services,
  admitted: AdmittedRequest,
  { room, promoter }: QueuedOptions,
): Promise<GatewayResponse> {
  const { request, ticket, caller } = admitted;
  const left = new AbortController();
  const place = takePlace(services, room, { ...admitted, leave: (why) => left.abort(why) });
  const entry = enterLane(services, ticket.priority, caller);
  try {
    // What becomes a job meanwhile may wait for as long as jobs do.
    if (!promoter) checkWait(services, admitted, entry.judgement);
    if (entry.judgement.position === 0) admitted.reservation?.started();
    const options = { room, promoter, entry, left };
    const response = await exchange(services, admitted, options).catch((error: unknown) => {
      services.fairShare.left.add(request.id, ticket.expiresAt);
      abandonClaim(services, admitted, error);
      throw error;
    });
    return { ...response, headers: [...response.headers, ...waitHeaders(entry.judgement)] };
  } finally {
    entry.hold.release();
    place.leave();
  }
}

// As long after its end as the word of a worker who had it in hand may take.
const CLAIM_KEPT_MS = 60_000;

/** A worker may have the request in hand: should a reply come all the same, its claim is not free. */
function abandonClaim(
  { limits }: Services,
  { request, ticket, reservation }: AdmittedRequest,
  error: unknown,
): void {
  if (!reservation || !isCallersEnd(error)) return;
  limits.abandoned.add(request.id, reservation.claim, ticket.expiresAt + CLAIM_KEPT_MS);
}

/** Refuses at once what, by the measured times, would not have its turn before its deadline. */
function checkWait(
  { clock }: Services,
  { ticket }: AdmittedRequest,
  { estimatedWaitMs = 0 }: LaneJudgement,
): void {
  const remainingMs = Math.max(0, ticket.expiresAt - clock.now());
  if (estimatedWaitMs > remainingMs)
    throw waitTooLong(retryAfterWait(estimatedWaitMs - remainingMs));
}

interface Exchange extends QueuedOptions {
  readonly entry: LaneEntry;
  /** Ends the wait before the deadline. */
  readonly left: AbortController;
}

/** Sends the request, and waits for its reply, or until it is a job. */
async function exchange(
  services: Services,
  admitted: AdmittedRequest,
  { room, promoter, entry, left }: Exchange,
): Promise<GatewayResponse> {
  const { request, ticket } = admitted;
  using deadline = createDeadline(services.clock, ticket.expiresAt, {
    reason: ttlExpired,
    parent: AbortSignal.any([request.closed, left.signal]),
  });
  const working = room.replies.expect(request.id, deadline.signal);
  const body = packRequestBody(room.claimCheck, `requests/${request.id}`, admitted.body);
  // Not awaited: a broker that is slow to take the message must not hold the caller past the deadline.
  enqueue(services, admitted, { room, promoter, entry, body }).catch((error: unknown) =>
    left.abort(error),
  );
  if (!promoter) return toResponse(services, room, { request, reply: await working });
  const { at, preference: preferenceApplied } = promoter.promotion;
  const { isOver } = entry.judgement;
  const reply = await answeredOrPromoted(services.clock, {
    working,
    at,
    promote: () => promoteQueued(services, { ...admitted, isOver }, { promoter, body }),
  });
  if (reply) {
    // The worker notes that it has answered when the reply is sent, which may be after it is here.
    services.clock.schedule(NOTE_KEPT_MS, () => {
      promoter.jobs.store.forgetAnswered(request.id).catch(() => {});
    });
    return toResponse(services, room, { request, reply });
  }
  left.abort(new Error("The request is a job now."));
  const job = jobOwnershipOf(admitted);
  return acceptedAnswer(services, { job, state: "queued", preferenceApplied });
}

async function toResponse(
  { clock }: Services,
  room: WaitingRoom,
  { request, reply }: { request: GatewayRequest; reply: ReplyEnvelope },
): Promise<GatewayResponse> {
  const { status, headers, trailers } = reply;
  const route = routeOf(reply);
  const taken = route ? headersOfRequest(request.id, route, clock.now() - request.receivedAt) : [];
  return {
    route,
    status,
    headers: [...headers, ...taken],
    body: await replyBody(room, reply, request.method === "HEAD"),
    ...(trailers && { trailers: () => trailers }),
  };
}

/** A long reply passes on its way to the client, and is never in memory as a whole. */
async function replyBody(
  { claimCheck }: WaitingRoom,
  { body, trailers }: ReplyEnvelope,
  isUnwanted: boolean,
): Promise<ResponseBody> {
  if (!body || !("blob" in body)) {
    if (isUnwanted) return undefined;
    // What is sent in one piece has a length, and behind that there is room for nothing.
    return trailers ? claimCheck.open(body) : claimCheck.unpack(body);
  }
  // The reply is in hand: its blob serves nobody else, and a failed removal costs only space.
  const discard = (): void => void claimCheck.discard(body).catch(() => {});
  if (isUnwanted) {
    discard();
    return undefined;
  }
  const pieces = claimCheck.open(body)[Symbol.asyncIterator]();
  // Awaited here: what cannot be read must be an error, and no answer that breaks off.
  const first = await pieces.next();
  return endedEarly(passing({ first, pieces }, discard), () => {
    discard();
    void pieces.return?.().catch(() => {});
  });
}

/** A reply's pieces, of which the first is here already. */
interface Opened {
  readonly first: IteratorResult<Uint8Array>;
  readonly pieces: AsyncIterator<Uint8Array>;
}

async function* passing(
  { first, pieces }: Opened,
  onEnd: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (let next = first; !next.done; next = await pieces.next()) yield next.value;
  } finally {
    onEnd();
  }
}

/** What the answer took; a worker that gave up may not have said. */
function routeOf({ attempts, processMs, backend }: ReplyEnvelope): RouteFacts | undefined {
  if (attempts === undefined || processMs === undefined) return undefined;
  return { attemptCount: attempts, processMs, backend };
}

interface Enqueuing extends QueuedOptions {
  readonly entry: LaneEntry;
  readonly body: Promise<MessageBody | undefined>;
}

async function enqueue(
  services: Services,
  admitted: AdmittedRequest,
  { room, promoter, entry, body }: Enqueuing,
): Promise<void> {
  const { request, ticket } = admitted;
  const lane = laneFor(services.lanes, ticket.priority);
  const promotion = promoter?.promotion;
  const envelope = toEnvelope(
    admitted,
    {
      kind: "request",
      body: await body,
      maxAttempts: lane.maxDeliveryCount,
      replySession: room.replies.sessionId,
      promotion,
    },
    services.settings,
  );
  // As a job's first message, which its orchestrator sends should this one never have arrived.
  const messageId = promotion ? turnMessageId(request.id, FIRST_TURN) : request.id;
  const timeToLiveMs = Math.max(ticket.expiresAt, promotion?.expiresAt ?? 0) - services.clock.now();
  await sendTraced(services, room.bus, {
    queue: entry.queue,
    message: { messageId, body: envelope, timeToLiveMs },
    requestId: request.id,
    parent: request.trace,
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
