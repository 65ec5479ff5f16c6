import type { FinalState, JobOutcome, JobRecord, JobState } from "./job.ts";

/** A status by the original's names; `Cancelled` is ours, which the original does not know. */
export type StatusName =
  | "Queued"
  | "Processing"
  | "AsyncProcessing"
  | "BackgroundRequestSubmitted"
  | "RetryScheduled"
  | "Requeued"
  | "AsyncProcessed"
  | "Failed"
  | "Expired"
  | "Cancelled";

/** One entry of a job's log, as it is told to whoever follows the job. */
export interface StatusEvent {
  /** 1 for the first event of a job; no number is left out. */
  readonly sequence: number;
  readonly status: StatusName;
  readonly state: JobState;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The attempt it is about; 0 before the first. */
  readonly attempt: number;
  /** When the job is tried again, in epoch milliseconds. */
  readonly retryAt?: number;
  /** HTTP status of the result, where the job ended with one. */
  readonly resultStatus?: number;
  readonly error?: { readonly code: string; readonly detail: string };
}

/** What happened to a job. */
export type StatusChange =
  | { readonly kind: "queued" }
  /** An attempt began. */
  | { readonly kind: "running"; readonly attempt: number }
  /** A provider has taken the work over, and is polled. */
  | { readonly kind: "handedOver"; readonly attempt: number }
  /** An attempt ended and is to be repeated. */
  | { readonly kind: "retrying"; readonly attempt: number; readonly retryAt: number }
  /** An attempt goes back to its lane, and loses nothing. */
  | { readonly kind: "requeued"; readonly attempt: number; readonly retryAt: number }
  | { readonly kind: "ended"; readonly outcome: JobOutcome };

type Draft = Omit<StatusEvent, "sequence">;

// Work that goes back to its lane for a day would write without end; the end itself is always told.
const MAX_EVENTS = 500;

const FINAL_STATUS: Record<FinalState, StatusName> = {
  succeeded: "AsyncProcessed",
  failed: "Failed",
  expired: "Expired",
  cancelled: "Cancelled",
};

/** Whether nothing can follow an event. */
export function isFinalEvent({ state }: Pick<StatusEvent, "state">): boolean {
  return state !== "queued" && state !== "running";
}

/** The event with which every job's log begins. */
export const firstEvent = ({ createdAt }: Pick<JobRecord, "createdAt">): StatusEvent => ({
  sequence: 1,
  ...draftOf("Queued", 0, createdAt),
});

/**
 * The event that a change adds to a log, undefined where the log says it already or it comes too late:
 * so that whatever is delivered twice, replayed or overtaken is told once. Ask again after adding it:
 * a change may add two.
 */
export function nextEvent(
  log: readonly StatusEvent[],
  change: StatusChange,
  now: number,
): StatusEvent | undefined {
  const last = log.at(-1);
  if (last && isFinalEvent(last)) return undefined;
  if (change.kind !== "ended" && log.length >= MAX_EVENTS) return undefined;
  const draft = last ? draftAfter(last, log, change, now) : draftOf("Queued", 0, now);
  return draft && { sequence: log.length + 1, ...draft };
}

function draftAfter(
  last: StatusEvent,
  log: readonly StatusEvent[],
  change: StatusChange,
  now: number,
): Draft | undefined {
  switch (change.kind) {
    case "queued":
      return undefined;
    case "ended":
      return endOf(change.outcome);
    case "running":
      return running(last, log, draftOf("Processing", change.attempt, now));
    case "handedOver":
      return draftUnlessLate(last, draftOf("BackgroundRequestSubmitted", change.attempt, now));
    case "retrying":
      return draftUnlessLate(last, waiting("RetryScheduled", change, now));
    case "requeued":
      return draftUnlessLate(last, waiting("Requeued", change, now));
  }
}

const WORKING: ReadonlySet<StatusName> = new Set([
  "Processing",
  "AsyncProcessing",
  "BackgroundRequestSubmitted",
]);
const isWorking = ({ status }: StatusEvent): boolean => WORKING.has(status);

function running(last: StatusEvent, log: readonly StatusEvent[], draft: Draft): Draft | undefined {
  if (isWorking(last) && last.attempt >= draft.attempt) return asyncProcessing(last, log, draft.at);
  // Only what was requeued runs again under the same number.
  const isOver = last.status === "RetryScheduled" && last.attempt === draft.attempt;
  return isOver ? undefined : draftUnlessLate(last, draft);
}

/** Told once a job: that it runs, and that its caller does not wait on a connection. */
function asyncProcessing(
  last: StatusEvent,
  log: readonly StatusEvent[],
  now: number,
): Draft | undefined {
  const isTold = log.some(({ status }) => status === "AsyncProcessing");
  return isTold ? undefined : draftOf("AsyncProcessing", last.attempt, now);
}

function draftUnlessLate(last: StatusEvent, draft: Draft): Draft | undefined {
  const isLate = last.attempt > draft.attempt;
  const isTold = last.attempt === draft.attempt && last.status === draft.status;
  return isLate || isTold ? undefined : draft;
}

const draftOf = (status: StatusName, attempt: number, at: number): Draft => ({
  status,
  state: attempt === 0 ? "queued" : "running",
  at,
  attempt,
});

const waiting = (
  status: StatusName,
  { attempt, retryAt }: { attempt: number; retryAt: number },
  now: number,
): Draft => ({ ...draftOf(status, attempt, now), state: "queued", retryAt });

function endOf({ state, endedAt, attempt, result, error }: JobOutcome): Draft {
  return {
    status: FINAL_STATUS[state],
    state,
    at: endedAt,
    attempt,
    ...(result ? { resultStatus: result.status } : {}),
    ...(error ? { error } : {}),
  };
}
