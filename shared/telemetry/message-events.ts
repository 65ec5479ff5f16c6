import { causeOf, type TelemetryEvent } from "./events.ts";

/** A lane's message could not be processed; it returns to its lane, or to the dead letters. */
export const messageFailed = (
  facts: { lane: string; messageId: string; isLastDelivery: boolean },
  error: unknown,
): TelemetryEvent => ({ event: "message.failed", level: "error", ...facts, ...causeOf(error) });

/** A lane's message waited here while another instance had a slot for it: it went back to its queue. */
export const messageHandedBack = (requestId: string, queue: string): TelemetryEvent => ({
  event: "message.handed-back",
  level: "info",
  requestId,
  queue,
});

/** Storage was away for a job's message: it comes again later, and no delivery is lost by it. */
export const messagePutOff = (requestId: string, delayMs: number): TelemetryEvent => ({
  event: "message.put-off",
  level: "warning",
  requestId,
  delayMs,
});
