import type { BackendAnswer } from "../../backends/index.ts";
import { GatewayError } from "../../core/errors.ts";
import type { CalledBackend } from "../../core/http.ts";
import { type Candidate, rewriteModelInTarget, type Selection } from "../../routing/index.ts";
import type { Services } from "../services.ts";
import type { AnswerWatch } from "./answer-watch.ts";
import { type Attempt, attemptBackend } from "./attempt-backend.ts";
import { headersForAttempt } from "./attempt-headers.ts";
import type { OutgoingRequest } from "./call-backends.ts";
import { CLIENT_CLOSED, noteCall } from "./call-usage.ts";
import { learnFromAttempt } from "./learn-from-attempt.ts";
import { noteAttempt } from "./note-attempt.ts";
import type { RouteTrip } from "./route-trip.ts";
import { withoutCandidate } from "./without-candidate.ts";

/** A request that looks for its answer. */
export interface Search {
  readonly request: OutgoingRequest;
  readonly trip: RouteTrip;
  readonly signal: AbortSignal;
}

/** An answer that is the client's to have. */
export interface Found {
  readonly answer: BackendAnswer;
  /** Where to come again, where there is a choice. */
  readonly candidate?: Candidate;
  /** Who gave it, where it is not one of several failures. */
  readonly called?: CalledBackend;
  /** Whether it is the failure that is left when every backend had its turn. */
  readonly isLast?: boolean;
}

/** Calls one backend after the other until one gives an answer that is the client's to have. */
export async function findAnswer(services: Services, way: Search): Promise<Found> {
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
      if (!answer) continue;
      unwatched(request);
      return { answer, isLast };
    }
    const attempt = await makeAttempt(services, way, { selection, candidate });
    const answer = await learnFromAttempt(way, candidate, attempt);
    noteUnwatched(services, way, { candidate, attempt, isAnswer: answer !== undefined });
    if (!answer) continue;
    trip.letGo();
    const isChoice = selection.candidates.length + selection.passedOver.length > 1;
    return { answer, called: calledBackend(candidate), ...(isChoice ? { candidate } : {}) };
  }
}

interface Learned {
  readonly candidate: Candidate;
  readonly attempt: Attempt;
  readonly isAnswer: boolean;
}

/** Notes what nobody reads along: refusals, and whatever is not the client's to have. */
function noteUnwatched(services: Services, { request }: Search, learned: Learned): void {
  const { candidate, attempt, isAnswer } = learned;
  if ("answer" in attempt && attempt.verdict.kind === "answered") return;
  const kind = isAnswer ? "answer" : "attempt";
  noteCall(services, request, { kind, candidate, status: attempt.status });
  if (isAnswer) unwatched(request);
}

/** The answer that is given is none that is watched; an earlier one may have been. */
function unwatched({ usage }: OutgoingRequest): void {
  if (usage) usage.current = undefined;
}

function calledBackend({ key, host, target }: Candidate): CalledBackend {
  const { origin, model } = host;
  const sent = model === undefined ? target : rewriteModelInTarget(target, model);
  return { hostKey: key, origin, target: sent };
}

async function makeAttempt(
  services: Services,
  { request, trip, signal }: Search,
  { selection, candidate }: { selection: Selection<Candidate>; candidate: Candidate },
): Promise<Attempt> {
  const { pool, clock, requestHeaders, tracing } = services;
  const turn = pool.begin(selection, trip.isRetry, trip.takeTurn());
  if (!turn) throw new GatewayError("internal", "A backend was chosen that is not there.");
  const startedAt = clock.now();
  const span = trip.facts.trace && tracing?.within(trip.facts.trace);
  const note = (status: number, outcome: string, watch?: AnswerWatch): void => {
    const call = { request, trip, selection, candidate, span };
    noteAttempt(services, call, { startedAt, status, outcome, watch });
  };
  const headers = headersForAttempt(requestHeaders(request.headers), {
    requestId: request.id,
    cycle: trip.cycle,
    isOwnAffinity: (token) => pool.isAffinity(token),
    trace: span,
  });
  try {
    const outgoing = { ...request, headers };
    const attempt = await attemptBackend(services, outgoing, { candidate, turn, signal });
    if (!("answer" in attempt)) note(attempt.status, attempt.failure);
    else {
      const { kind } = attempt.verdict;
      note(attempt.status, kind, kind === "answered" ? request.usage?.current : undefined);
    }
    return attempt;
  } catch (error) {
    note(CLIENT_CLOSED, "ended");
    throw error;
  }
}
