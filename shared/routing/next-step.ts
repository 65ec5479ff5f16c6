import type { PassedOver, PassedOverReason } from "./backend-view.ts";

/** What a request has come to when nobody may be called for it now. */
export interface DeadEnd {
  readonly passedOver: readonly PassedOver[];
  /** What backends asked for that want the same request again. */
  readonly requeueDelaysMs: readonly number[];
  /** Whether there were attempts left if those did not count that were answered with a brief wait. */
  readonly mayWait: boolean;
  /** Whether any backend was called. */
  readonly hasTried: boolean;
  readonly hasAttemptsLeft: boolean;
  /** Whether backends that failed get another turn. */
  readonly goesRound: boolean;
  readonly expiresAt: number;
  /** How long to wait when nothing says how long. */
  readonly recheckMs: number;
  /** Whether nobody waits for the answer just now, so that a rest that all ask for is waited out. */
  readonly isPatient: boolean;
}

/** What to do about it. */
export type NextStep =
  /** Give the slot back and come again: at a backend's word, or when there may be room or leave. */
  | {
      readonly kind: "requeue";
      readonly delayMs: number;
      readonly isAsked: boolean;
      /** How long to wait in the lines of backends that rest: until there is leave to go elsewhere. */
      readonly atMostMs: number;
    }
  /** Another round, after a back-off. */
  | { readonly kind: "again" }
  /** Every backend had its turn: their answers decide. */
  | { readonly kind: "exhausted" }
  | { readonly kind: "no-route" }
  | {
      readonly kind: "unavailable";
      readonly isThrottled: boolean;
      readonly retryAfterMs: number;
    };

const ROOM_RECHECK_MS = 1000;
// However little a backend asks for, it is not called in a tight loop.
const MIN_WAIT_MS = 50;
/** After that it is looked at anew, whatever happens. */
const MAX_WAIT_MS = 3_600_000;

/** Decides how a request goes on that has no candidate, or may make no more attempts. */
export function nextStep(end: DeadEnd, nowMs: number): NextStep {
  return (end.mayWait ? waitOrGoRound(end, nowMs) : undefined) ?? giveUp(end, nowMs);
}

function waitOrGoRound(end: DeadEnd, nowMs: number): NextStep | undefined {
  const leftMs = end.expiresAt - nowMs;
  if (end.requeueDelaysMs.length > 0) {
    const delayMs = Math.max(MIN_WAIT_MS, Math.min(...end.requeueDelaysMs));
    // A wait beyond the deadline cannot end well: the client learns at once.
    return delayMs < leftMs
      ? { kind: "requeue", delayMs, isAsked: true, atMostMs: delayMs }
      : undefined;
  }
  const wait = heldBack(end, nowMs);
  if (wait && wait.delayMs < leftMs) return { kind: "requeue", ...wait, isAsked: false };
  const canGoRound = end.goesRound && end.hasAttemptsLeft && has(end.passedOver, "tried");
  return canGoRound ? { kind: "again" } : undefined;
}

/** Whether a backend only rests, so that one may wait for it in line. */
export function isResting({ reason, readyAt }: PassedOver): boolean {
  // Of those that had their turn, only who asked for a moment's rest says when it is over.
  if (reason === "tried") return readyAt !== undefined;
  return reason === "throttled" || reason === "breaker" || reason === "line";
}

/** How long until a backend that is only full, resting, or not yet allowed, may be called. */
function heldBack(
  { passedOver, isPatient, recheckMs }: DeadEnd,
  nowMs: number,
): { delayMs: number; atMostMs: number } | undefined {
  const isFull = has(passedOver, "concurrency");
  const isWaitedOut = isPatient && isOnlyAtRest(passedOver);
  if (!isFull && !isWaitedOut && !has(passedOver, "tier") && !has(passedOver, "line")) {
    return undefined;
  }
  const leaves = passedOver
    .filter(({ reason }) => reason === "tier")
    .flatMap(({ readyAt }) => (readyAt === undefined ? [] : readyAt - nowMs));
  const rechecks = [
    ...(isFull ? [ROOM_RECHECK_MS] : []),
    // Who is well again may take it before the others have rested.
    ...(isWaitedOut && has(passedOver, "health") ? [recheckMs] : []),
  ];
  const atMostMs = Math.min(...leaves, ...rechecks);
  const rests = passedOver
    .filter(isResting)
    .map(({ reason, readyAt }) =>
      readyAt === undefined ? ROOM_RECHECK_MS : Math.max(leastWaitMs(reason), readyAt - nowMs),
    );
  const delayMs = Math.min(atMostMs, ...rests);
  if (!Number.isFinite(delayMs)) return undefined;
  return { delayMs: Math.max(1, delayMs), atMostMs: Math.max(1, Math.min(atMostMs, MAX_WAIT_MS)) };
}

/** Whether some rest, and nobody has failed the request. */
function isOnlyAtRest(passedOver: readonly PassedOver[]): boolean {
  const hasFailed = has(passedOver, "silent") || passedOver.some(isInVain);
  return !hasFailed && passedOver.some(isResting);
}

const isInVain = ({ reason, readyAt }: PassedOver): boolean =>
  reason === "tried" && readyAt === undefined;

const leastWaitMs = (reason: PassedOverReason): number => (reason === "tried" ? MIN_WAIT_MS : 0);

function giveUp({ passedOver, hasTried, recheckMs }: DeadEnd, nowMs: number): NextStep {
  if (hasTried) return { kind: "exhausted" };
  const allowed = passedOver.filter(({ reason }) => reason !== "class");
  if (allowed.length === 0) return { kind: "no-route" };
  const waits = allowed.flatMap(({ reason, readyAt }) => {
    if (readyAt !== undefined) return readyAt - nowMs;
    // One call tries it at this moment, and may close the breaker with its answer.
    return reason === "breaker" ? ROOM_RECHECK_MS : [];
  });
  return {
    kind: "unavailable",
    isThrottled: allowed.every(({ reason }) => reason === "throttled" || reason === "tier"),
    retryAfterMs: waits.length > 0 ? Math.max(0, Math.min(...waits)) : recheckMs,
  };
}

const has = (passedOver: readonly PassedOver[], wanted: PassedOverReason): boolean =>
  passedOver.some(({ reason }) => reason === wanted);
