import type { TelemetryEvent } from "./events.ts";

/** One call to one backend is over: its answer is, or there never will be one. */
export const attemptEnded = (requestId: string, attempt: () => object): TelemetryEvent => ({
  event: "attempt.ended",
  level: "info",
  requestId,
  lazily: attempt,
});

/**
 * A request was answered, and its answer is over. Never what was asked or answered. `kind` says what
 * ended: a `request`; one that was `accepted` as a job, and used nothing; such a `job` itself, under the
 * same id; a `line` of a batch. Exactly one for each kind and id.
 */
export const requestEnded = (requestId: string, facts: () => object): TelemetryEvent => ({
  event: "request.ended",
  level: "info",
  requestId,
  lazily: facts,
});

/** A message for a lane was given to the broker, or could not be. Told only where requests are traced. */
export const messageSent = (requestId: string, facts: () => object): TelemetryEvent => ({
  event: "message.sent",
  level: "info",
  requestId,
  lazily: facts,
});

/** A worker is done with a message of a lane, for now or for good. Told only where requests are traced. */
export const messageEnded = (messageId: string, facts: () => object): TelemetryEvent => ({
  event: "message.ended",
  level: "info",
  lazily: () => ({ messageId, ...facts() }),
});

/** How a request came to its answer: which backends were taken or passed over, and what was spilled. */
export const requestRouted = (receipt: () => object): TelemetryEvent => ({
  event: "request.routed",
  level: "info",
  lazily: receipt,
});
