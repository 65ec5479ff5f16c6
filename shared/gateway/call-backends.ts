import type { BackendAnswer } from "../backends/index.ts";
import type { PriorityClass } from "../core/domain.ts";
import { GatewayError } from "../core/errors.ts";
import { type HeaderList, headerValue } from "../core/headers.ts";
import type { TripMemory } from "../messaging/index.ts";
import { type Candidate, receiptHeader, type Selection } from "../routing/index.ts";
import { requestRouted } from "../telemetry/index.ts";
import { type Attempt, attemptBackend } from "./attempt-backend.ts";
import { headersForAttempt, headersForClient } from "./attempt-headers.ts";
import { learnFromAttempt } from "./learn-from-attempt.ts";
import { RequeueError } from "./requeue-error.ts";
import { RouteTrip } from "./route-trip.ts";
import type { Services } from "./services.ts";
import { withoutCandidate } from "./without-candidate.ts";

/** A request that is ready to be called: body whole, headers as the client sent them. */
export interface OutgoingRequest {
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
  readonly attemptTimeoutMs: number;
  /** Its class; the default class unless given. */
  readonly priority?: PriorityClass;
  /** Epoch milliseconds; now unless given. */
  readonly receivedAt?: number;
  /** Epoch milliseconds; never unless given. */
  readonly expiresAt?: number;
  /** What earlier calls for the same request learned; whoever passes it tells of its end. */
  readonly trip?: RouteTrip;
  /** The answer is wanted whole, so that a body that breaks is tried elsewhere. */
  readonly whole?: boolean;
  /** Up to this size a JSON object is taken whole before anything of it is delivered. */
  readonly wholeJsonBytes?: number;
  /** Whether the caller asked how the request was decided, and may know. */
  readonly showsReceipt?: boolean;
}

/** An answer, and what it took to get it. */
export interface RoutedAnswer extends BackendAnswer {
  readonly attemptCount: number;
  /** Time spent in calls to backends, up to where the answer could be handed on. */
  readonly processMs: number;
}

/**
 * Calls the backends that may serve the request, one after the other, until one gives an answer that is
 * the client's to have. Throws a `GatewayError` when none does, and a `RequeueError` when one may do so
 * later. `signal` ends the search; once an answer is there, its reader ends it by `discard`.
 */
export async function callBackends(
  services: Services,
  request: OutgoingRequest,
  signal: AbortSignal,
): Promise<RoutedAnswer> {
  const trip = request.trip ?? tripOf(services, request);
  try {
    const { answer, candidate, isLast } = await search(services, { request, trip, signal });
    const receipt = trip.receipt(isLast ? "failed" : "answered");
    services.emit(requestRouted(receipt));
    const headers = headersForClient(answer.headers, {
      stripped: services.settings.transport.stripResponseHeaders,
      receipt: request.showsReceipt ? receiptHeader(receipt) : undefined,
      affinity: candidate && services.pool.affinityOf(candidate.host.id),
    });
    const { attemptCount, processMs } = trip;
    const discard = (): void => answer.discard();
    return { ...answer, headers, discard, attemptCount, processMs };
  } catch (error) {
    trip.letGo();
    const isRequeued = error instanceof RequeueError;
    if (!isRequeued) services.emit(requestRouted(trip.receipt("failed")));
    else if (!request.trip) services.emit(requestRouted(trip.receipt("requeued")));
    throw error;
  }
}

type Traveller = Pick<OutgoingRequest, "id" | "headers" | "priority" | "receivedAt" | "expiresAt">;

/** The beginning of a request's way to a backend, or where it goes on when it comes out of a lane again. */
export function tripOf(
  { settings, clock }: Pick<Services, "settings" | "clock">,
  request: Traveller,
  memory?: TripMemory,
): RouteTrip {
  const nowMs = clock.now();
  const facts = {
    requestId: request.id,
    priority: request.priority ?? settings.priority.defaultClass,
    receivedAt: request.receivedAt ?? nowMs,
    expiresAt: request.expiresAt ?? Number.POSITIVE_INFINITY,
    affinity: headerValue(request.headers, "x-backend-affinity"),
  };
  return new RouteTrip(facts, { memory, nowMs });
}

interface Search {
  readonly request: OutgoingRequest;
  readonly trip: RouteTrip;
  readonly signal: AbortSignal;
}

interface Found {
  readonly answer: BackendAnswer;
  /** Where to come again, where there is a choice. */
  readonly candidate?: Candidate;
  /** Whether it is the failure that is left when every backend had its turn. */
  readonly isLast?: boolean;
}

async function search(services: Services, way: Search): Promise<Found> {
  const { pool, clock, settings } = services;
  const { request, trip, signal } = way;
  for (;;) {
    signal.throwIfAborted();
    const selection = pool.select(request.target, trip.query());
    if (!selection) throw new GatewayError("no-route", "No backend serves this path.");
    trip.decided(selection, clock.now());
    const [candidate] = selection.candidates;
    if (!candidate || trip.countedAttempts >= settings.maxAttempts) {
      const isLast = trip.held?.isVerdict !== true;
      const answer = await withoutCandidate(services, { trip, signal, selection });
      if (answer) return { answer, isLast };
      continue;
    }
    const attempt = await makeAttempt(services, way, { selection, candidate });
    const answer = await learnFromAttempt(trip, candidate, attempt);
    if (!answer) continue;
    trip.letGo();
    const isChoice = selection.candidates.length + selection.passedOver.length > 1;
    return { answer, ...(isChoice ? { candidate } : {}) };
  }
}

async function makeAttempt(
  services: Services,
  { request, trip, signal }: Search,
  { selection, candidate }: { selection: Selection<Candidate>; candidate: Candidate },
): Promise<Attempt> {
  const { pool, clock, requestHeaders } = services;
  const turn = pool.begin(selection, trip.isRetry);
  if (!turn) throw new GatewayError("internal", "A backend was chosen that is not there.");
  const startedAt = clock.now();
  const note = (status: number, outcome: string): void =>
    trip.attempted(
      {
        backend: candidate.host.id,
        tier: candidate.host.tier,
        atMs: startedAt - trip.facts.receivedAt,
        tookMs: clock.now() - startedAt,
        status,
        outcome,
      },
      selection.firstTier,
    );
  const headers = headersForAttempt(requestHeaders(request.headers), {
    requestId: request.id,
    cycle: trip.cycle,
    isOwnAffinity: (token) => pool.settings.hosts.some(({ id }) => pool.affinityOf(id) === token),
  });
  try {
    const outgoing = { ...request, headers };
    const attempt = await attemptBackend(services, outgoing, { candidate, turn, signal });
    note(attempt.status, "answer" in attempt ? attempt.verdict.kind : attempt.failure);
    return attempt;
  } catch (error) {
    note(499, "ended");
    throw error;
  }
}
