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
}

/** What to do about it. */
export type NextStep =
  /** Give the slot back and come again: at a backend's word, or when there may be room or leave. */
  | { readonly kind: "requeue"; readonly delayMs: number; readonly isAsked: boolean }
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

/** Decides how a request goes on that has no candidate, or may make no more attempts. */
export function nextStep(end: DeadEnd, nowMs: number): NextStep {
  return (end.mayWait ? waitOrGoRound(end, nowMs) : undefined) ?? giveUp(end, nowMs);
}

function waitOrGoRound(end: DeadEnd, nowMs: number): NextStep | undefined {
  const leftMs = end.expiresAt - nowMs;
  if (end.requeueDelaysMs.length > 0) {
    const delayMs = Math.max(MIN_WAIT_MS, Math.min(...end.requeueDelaysMs));
    // A wait beyond the deadline cannot end well: the client learns at once.
    return delayMs < leftMs ? { kind: "requeue", delayMs, isAsked: true } : undefined;
  }
  const delayMs = heldBackMs(end.passedOver, nowMs);
  if (delayMs !== undefined && delayMs < leftMs) {
    return { kind: "requeue", delayMs: Math.max(1, delayMs), isAsked: false };
  }
  const canGoRound = end.goesRound && end.hasAttemptsLeft && has(end.passedOver, "tried");
  return canGoRound ? { kind: "again" } : undefined;
}

const BOUND_TO_END: ReadonlySet<PassedOverReason> = new Set([
  "tier",
  "throttled",
  "breaker",
  "tried",
]);

/** How long until a backend that is only full, or only not yet allowed, may be called. */
function heldBackMs(passedOver: readonly PassedOver[], nowMs: number): number | undefined {
  const isFull = has(passedOver, "concurrency");
  if (!isFull && !has(passedOver, "tier")) return undefined;
  const waits = passedOver
    .filter(({ reason }) => BOUND_TO_END.has(reason))
    .flatMap(({ reason, readyAt = Number.NaN }) => {
      if (Number.isNaN(readyAt)) return [];
      return Math.max(reason === "tried" ? MIN_WAIT_MS : 0, readyAt - nowMs);
    });
  const soonestMs = Math.min(...waits, isFull ? ROOM_RECHECK_MS : Number.POSITIVE_INFINITY);
  return Number.isFinite(soonestMs) ? soonestMs : undefined;
}

function giveUp({ passedOver, hasTried, recheckMs }: DeadEnd, nowMs: number): NextStep {
  if (hasTried) return { kind: "exhausted" };
  const allowed = passedOver.filter(({ reason }) => reason !== "class");
  if (allowed.length === 0) return { kind: "no-route" };
  const waits = allowed.flatMap(({ readyAt }) => (readyAt === undefined ? [] : readyAt - nowMs));
  return {
    kind: "unavailable",
    isThrottled: allowed.every(({ reason }) => reason === "throttled" || reason === "tier"),
    retryAfterMs: waits.length > 0 ? Math.max(0, Math.min(...waits)) : recheckMs,
  };
}

const has = (passedOver: readonly PassedOver[], wanted: PassedOverReason): boolean =>
  passedOver.some(({ reason }) => reason === wanted);
