import { type BackendAnswer, BackendFailure } from "../../backends/index.ts";
import { headerValue } from "../../core/headers.ts";
import {
  type Candidate,
  isContextRefusal,
  isContextStatus,
  type Verdict,
} from "../../routing/index.ts";
import type { Attempt } from "./attempt-backend.ts";
import { peekAnswer } from "./peek-answer.ts";
import type { RouteTrip } from "./route-trip.ts";

/** What an attempt means for the request. Returns the answer when it is the client's to have. */
export async function learnFromAttempt(
  { trip, signal }: { readonly trip: RouteTrip; readonly signal: AbortSignal },
  candidate: Candidate,
  attempt: Attempt,
): Promise<BackendAnswer | undefined> {
  trip.cycle = Math.max(trip.cycle + 1, countedBehind(attempt));
  if (!("answer" in attempt)) {
    trip.countedAttempts += 1;
    trip.cameTo(attempt.status);
    trip.exclude(candidate, attempt.failure === "timed-out" ? "silent" : "tried");
    trip.failed();
    return undefined;
  }
  const { answer, verdict, status } = attempt;
  if (verdict.kind === "answered") return answer;
  if (verdict.kind === "refused") return refusal({ trip, signal }, candidate, answer);
  trip.cameTo(status);
  remember(trip, candidate, verdict);
  trip.hold({ answer, waitMs: waitOf(verdict), isVerdict: false });
  return undefined;
}

// No request is called so often; a number that cannot be counted on would break the message that carries it.
const MAX_CYCLE = 1_000_000;

/** How many calls a gateway behind this one has made; 0 where it does not say. */
function countedBehind(attempt: Attempt): number {
  if (!("answer" in attempt)) return 0;
  const counted = Number(headerValue(attempt.answer.headers, "x-PolicyCycleCounter") ?? 0);
  return Number.isInteger(counted) && counted <= MAX_CYCLE ? counted : 0;
}

/** So short a wait is over before it is noticed: the request goes elsewhere first. */
const NEGLIGIBLE_WAIT_MS = 100;

function remember(trip: RouteTrip, candidate: Candidate, verdict: Verdict): void {
  if (verdict.kind === "throttled") {
    // What asks for a wait is no attempt in vain; the deadline alone bounds how often it may ask.
    if (verdict.waitMs < NEGLIGIBLE_WAIT_MS) trip.brief(candidate);
    return;
  }
  trip.exclude(candidate, "tried");
  if (verdict.kind === "requeued") {
    trip.requeueDelaysMs.push(verdict.delayMs);
    return;
  }
  trip.countedAttempts += 1;
  if (verdict.kind === "failed") trip.failed();
}

const waitOf = (verdict: Verdict): number | undefined =>
  verdict.kind === "throttled"
    ? verdict.waitMs
    : verdict.kind === "requeued"
      ? verdict.delayMs
      : undefined;

/** A verdict on the request is the client's; only one about its length may be had elsewhere. */
async function refusal(
  { trip, signal }: { readonly trip: RouteTrip; readonly signal: AbortSignal },
  candidate: Candidate,
  answer: BackendAnswer,
): Promise<BackendAnswer | undefined> {
  if (answer.refusal !== undefined) return tooLong(trip, candidate, answer);
  if (!isContextStatus(answer.status)) return answer;
  const read = await peeked(answer, signal);
  if (!read) {
    trip.broke(candidate, "tried");
    return undefined;
  }
  const { text, answer: whole } = read;
  return isContextRefusal(text) ? tooLong(trip, candidate, whole) : whole;
}

/** A larger model may take it; the refusal is kept for the case that none does. */
function tooLong(trip: RouteTrip, candidate: Candidate, answer: BackendAnswer): undefined {
  trip.countedAttempts += 1;
  trip.cameTo(answer.status);
  trip.exclude(candidate, "tried");
  trip.tooLong(candidate);
  trip.hold({ answer, waitMs: undefined, isVerdict: true });
}

/** The refusal's text; undefined where its body breaks off. Throws the signal's reason when that ends it. */
async function peeked(answer: BackendAnswer, signal: AbortSignal) {
  const discard = (): void => answer.discard();
  signal.addEventListener("abort", discard, { once: true });
  try {
    signal.throwIfAborted();
    return await peekAnswer(answer);
  } catch (error) {
    answer.discard();
    signal.throwIfAborted();
    if (error instanceof BackendFailure) return undefined;
    throw error;
  } finally {
    signal.removeEventListener("abort", discard);
  }
}
