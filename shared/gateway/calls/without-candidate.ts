import type { BackendAnswer } from "../../backends/index.ts";
import { delay } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import {
  backoffMs,
  exhaustedStatus,
  isResting,
  type NextStep,
  nextStep,
  type PassedOver,
  type Selection,
} from "../../routing/index.ts";
import type { Services } from "../services.ts";
import { TIMED_OUT } from "./attempt-backend.ts";
import { RequeueError } from "./requeue-error.ts";
import type { RouteTrip } from "./route-trip.ts";

/** Nobody may be called now: waits, gives the request back, or says what the attempts came to. */
export async function withoutCandidate(
  services: Services,
  { trip, signal, selection }: { trip: RouteTrip; signal: AbortSignal; selection: Selection },
): Promise<BackendAnswer | undefined> {
  const { candidates, passedOver } = selection;
  const turn = trip.takeTurn();
  if (candidates.length > 0) turn?.giveBack();
  else turn?.decline();
  if (trip.held?.isVerdict) return trip.takeHeld();
  const step = stepOf(services, trip, passedOver);
  switch (step.kind) {
    case "exhausted":
      return exhausted(trip);
    case "again":
      return againOrExhausted(services, trip, signal);
    case "requeue":
      trip.requeued(step);
      throw requeueError(services, step, passedOver);
    case "no-route":
      throw new GatewayError("no-route", "No backend serves this path for this class.");
    case "unavailable":
      throw new GatewayError(
        step.isThrottled ? "backends-throttled" : "no-backend",
        step.isThrottled ? "Every backend asks to wait." : "No backend is available.",
        { retryAfterMs: step.retryAfterMs },
      );
  }
}

/** Another round after a back-off; what would come after the deadline is over now, with what there is. */
async function againOrExhausted(
  { clock, random }: Services,
  trip: RouteTrip,
  signal: AbortSignal,
): Promise<BackendAnswer | undefined> {
  const delayMs = backoffMs(trip.round + 1, random);
  if (clock.now() + delayMs >= trip.facts.expiresAt) return exhausted(trip);
  // What was kept may hold its backend's connection.
  trip.letGo();
  trip.goRound();
  await delay(clock, delayMs, signal);
  return undefined;
}

function stepOf(
  { clock, settings: { routing, maxAttempts } }: Services,
  trip: RouteTrip,
  passedOver: readonly PassedOver[],
): NextStep {
  return nextStep(
    {
      passedOver,
      requeueDelaysMs: trip.requeueDelaysMs,
      hasTried: trip.statuses.length > 0,
      hasAttemptsLeft: trip.countedAttempts < maxAttempts,
      mayWait: trip.countedAttempts - trip.briefAttempts < maxAttempts,
      goesRound: routing.passes === "multi",
      expiresAt: trip.facts.expiresAt,
      recheckMs: routing.probe.intervalMs,
      isPatient: trip.facts.isPatient,
    },
    clock.now(),
  );
}

/** Tells whoever holds the request how long to wait, and for which backends. */
function requeueError(
  { pool }: Services,
  { delayMs, atMostMs, isAsked }: Extract<NextStep, { kind: "requeue" }>,
  passedOver: readonly PassedOver[],
): RequeueError {
  const keysOf = (isMeant: (backend: PassedOver) => boolean): ReadonlySet<string> => {
    const ids = new Set(passedOver.filter(isMeant).map(({ backend }) => backend));
    return new Set(pool.backends.flatMap(({ host, key }) => (ids.has(host.id) ? [key] : [])));
  };
  return new RequeueError({
    delayMs,
    atMostMs,
    fullBackends: keysOf(({ reason }) => reason === "concurrency"),
    restingBackends: isAsked ? new Set() : keysOf(isResting),
  });
}

/** Every backend had its turn. Where all agree an answer of theirs is the client's, body and all. */
function exhausted(trip: RouteTrip): BackendAnswer {
  const status = exhaustedStatus(trip.statuses);
  if (trip.held?.answer.status === status) {
    const answer = trip.takeHeld();
    if (answer) return answer;
  }
  trip.letGo();
  if (status === TIMED_OUT) {
    throw new GatewayError("backend-timeout", "No backend answered in time.");
  }
  throw new GatewayError("backend-failed", "No backend was able to answer the request.");
}
