/** How much an event matters. */
export type Level = "info" | "warning" | "error";

/** One thing that happened, as a record: stable name, level, and plain facts (never a prompt or a key). */
export interface TelemetryEvent {
  readonly event: string;
  readonly level: Level;
  /**
   * Facts that are dear, put together only where somebody hears the event: soon, or never. What it
   * gives is new, and becomes the event; until then that has no other facts than its `requestId`.
   */
  readonly lazily?: () => object;
  readonly [fact: string]: unknown;
}

/** An event with all its facts, for whoever hears it. */
export function heard(event: TelemetryEvent): TelemetryEvent {
  if (!event.lazily) return event;
  // Three of these are made of every request: a copy would cost five times as much, and so would a loop
  // over names.
  const told = event.lazily() as { event: string; level: Level; requestId?: unknown };
  told.event = event.event;
  told.level = event.level;
  if (event["requestId"] !== undefined) told.requestId = event["requestId"];
  return told as TelemetryEvent;
}

/** Where events go. Must return at once and must not throw: telemetry never slows or breaks traffic. */
export type Emit = (event: TelemetryEvent) => void;

/** What is told of an error. */
export const causeOf = (error: unknown): Record<string, unknown> =>
  error instanceof Error
    ? { error: error.message, errorName: error.name, stack: error.stack, ...nested(error.cause) }
    : { error: String(error) };

const nested = (cause: unknown): Record<string, unknown> =>
  cause === undefined ? {} : { cause: cause instanceof Error ? cause.message : String(cause) };

/** The app lets everybody in, and believes what headers say of the caller. */
export const anonymousAllowed = (): TelemetryEvent => ({
  event: "authentication.anonymous",
  level: "warning",
  detail: "Callers need not prove who they are (GATEWAY_AUTHENTICATION has anonymous).",
});

/** Settings are there that nobody reads. */
export const settingsWithoutEffect = (names: readonly string[]): TelemetryEvent => ({
  event: "settings.without-effect",
  level: "warning",
  names: names.join(", "),
  detail:
    "Nobody reads these settings; docs/settings.md has those that are, docs/migration.md the original's.",
});

/** A request failed for a reason that its caller was not told. */
export const requestFailed = (requestId: string, error: unknown): TelemetryEvent => ({
  event: "request.failed",
  level: "error",
  requestId,
  ...causeOf(error),
});

/** An answer broke off after it had begun. */
export const responseBroken = (requestId: string, error: unknown): TelemetryEvent => ({
  event: "response.broken",
  level: "warning",
  requestId,
  ...causeOf(error),
});

/** A stream that broke was asked for elsewhere: it went on, said something else, or nobody answered. */
export const streamContinued = (
  requestId: string,
  facts: { outcome: string; backend: string },
): TelemetryEvent => ({
  event: "stream.continued",
  level: facts.outcome === "joined" ? "info" : "warning",
  requestId,
  ...facts,
});

/** A backend did not answer as it should; another one is tried where there is one. */
export const attemptFailed = (
  requestId: string,
  facts: { backend: string; status: number; error?: unknown },
): TelemetryEvent => ({
  event: "attempt.failed",
  level: "warning",
  requestId,
  backend: facts.backend,
  status: facts.status,
  ...(facts.error === undefined ? {} : causeOf(facts.error)),
});

/** An operator has sent a dead letter again, or discarded it. */
export const deadLetterDealtWith = (facts: {
  queue: string;
  action: string;
  messageId: string;
  sequenceNumber: string;
}): TelemetryEvent => ({ event: "dead-letter.dealt-with", level: "warning", ...facts });

/** Somebody waited for a message among the dead letters, and was told. */
export const deadLetterWaitEnded = (facts: {
  queue: string;
  messageId: string;
  id: string;
  reason: string | undefined;
}): TelemetryEvent => ({ event: "dead-letter.wait-ended", level: "error", ...facts });

/** The dead letters of a queue could not be looked through; they will be next time. */
export const deadLetterSweepFailed = (queue: string, error: unknown): TelemetryEvent => ({
  event: "dead-letter.sweep.failed",
  level: "error",
  queue,
  ...causeOf(error),
});

/** A submitted job cannot be accepted now; its message comes again later. */
export const submissionPostponed = (facts: {
  messageId: string;
  code: string;
  delayMs: number;
}): TelemetryEvent => ({ event: "submission.postponed", level: "warning", ...facts });

/** A submitted job can never be accepted; its message goes to the dead letters with the reason. */
export const submissionRefused = (facts: { messageId: string; code: string }): TelemetryEvent => ({
  event: "submission.refused",
  level: "warning",
  ...facts,
});

/** A reply came for a request that nobody waits for. */
export const replyUnclaimed = (requestId: string): TelemetryEvent => ({
  event: "reply.unclaimed",
  level: "info",
  requestId,
});

/** The connection that brings replies was lost; it is made again. */
export const replyInboxLost = (error: unknown): TelemetryEvent => ({
  event: "replies.lost",
  level: "warning",
  ...causeOf(error),
});

/** A job's orchestrator could not be told of an outcome; its reconciling timer will find it. */
export const jobSignalFailed = (jobId: string, error: unknown): TelemetryEvent => ({
  event: "job.signal.failed",
  level: "warning",
  jobId,
  ...causeOf(error),
});

/** A change of a job's state could not be noted or told; it is tried again. */
export const jobEventFailed = (
  facts: { jobId: string; change?: string; channel?: string },
  error: unknown,
): TelemetryEvent => ({
  event: "job.event.failed",
  level: "warning",
  ...facts,
  ...causeOf(error),
});

/** A webhook's receiver did not take an event; `step` says what follows. */
export const webhookFailed = (
  facts: { jobId: string; sequence: number; target: number; tries: number; step: string },
  answer: object,
): TelemetryEvent => ({
  event: "webhook.failed",
  level: facts.step === "giveUp" ? "error" : "warning",
  ...facts,
  answer,
});

/** A provider could not be asked how a job's work stands; it is asked again. */
export const providerPollFailed = (jobId: string, error: unknown): TelemetryEvent => ({
  event: "job.poll.failed",
  level: "warning",
  jobId,
  ...causeOf(error),
});

/** A provider could not be told that a job's work is not wanted any more. */
export const providerReleaseFailed = (jobId: string, error: unknown): TelemetryEvent => ({
  event: "job.release.failed",
  level: "warning",
  jobId,
  ...causeOf(error),
});

/** Something of a job's log could not be told to those it concerns within the time that is given to it. */
export const jobEventsUntold = (jobId: string): TelemetryEvent => ({
  event: "job.events.untold",
  level: "error",
  jobId,
});

/** A link to a result could not be signed, and was given out plain. */
export const resultLinkFailed = (jobId: string, error: unknown): TelemetryEvent => ({
  event: "job.link.failed",
  level: "warning",
  jobId,
  ...causeOf(error),
});

/** Instances could not tell each other who has how much of each class; the last figures stay in force. */
export const fairShareLedgerFailed = (error: unknown): TelemetryEvent => ({
  event: "fairShare.ledger.failed",
  level: "warning",
  ...causeOf(error),
});

/** A request could not be made a job yet; its caller goes on waiting, and it is tried again. */
export const promotionFailed = (requestId: string, error: unknown): TelemetryEvent => ({
  event: "job.promotion.failed",
  level: "warning",
  requestId,
  ...causeOf(error),
});

/** Work for a job that ran in process could not be brought to its end; another attempt follows. */
export const detachedWorkFailed = (jobId: string, error: unknown): TelemetryEvent => ({
  event: "job.detached.failed",
  level: "warning",
  jobId,
  ...causeOf(error),
});

/** A job's end could not be entered into the records; its orchestrator sees to it again. */
export const jobAccountFailed = (jobId: string, error: unknown): TelemetryEvent => ({
  event: "job.account.failed",
  level: "warning",
  jobId,
  ...causeOf(error),
});

/** Instances could not tell each other their use of limits; the last figures stay in force. */
export const limitLedgerFailed = (error: unknown): TelemetryEvent => ({
  event: "limits.ledger.failed",
  level: "warning",
  ...causeOf(error),
});

/** A job that was accepted could not be put into its lane at once; its orchestrator does it later. */
export const jobPlacementFailed = (jobId: string, error: unknown): TelemetryEvent => ({
  event: "job.placement.failed",
  level: "warning",
  jobId,
  ...causeOf(error),
});

/** Jobs were forgotten that had been kept for long enough. */
export const jobsSwept = (removed: number): TelemetryEvent => ({
  event: "jobs.swept",
  level: "info",
  removed,
});

/** Jobs could not be forgotten; the next sweep goes on with them. */
export const jobSweepFailed = (error: unknown): TelemetryEvent => ({
  event: "jobs.sweep.failed",
  level: "warning",
  ...causeOf(error),
});

/** Idempotency keys were removed that count no more. */
export const idempotencySwept = (removed: number): TelemetryEvent => ({
  event: "idempotency.swept",
  level: "info",
  removed,
});

/** Idempotency keys could not be removed; the next sweep goes on with them. */
export const idempotencySweepFailed = (error: unknown): TelemetryEvent => ({
  event: "idempotency.sweep.failed",
  level: "warning",
  ...causeOf(error),
});
