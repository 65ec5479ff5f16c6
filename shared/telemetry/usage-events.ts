import { causeOf, type TelemetryEvent } from "./events.ts";

/** What a call to a backend used was noted; the ledger counts the same event, by the same id. */
export const usageNoted = (use: object): TelemetryEvent => ({
  event: "usage.noted",
  level: "info",
  lazily: () => ({ ...use }),
});

/** An answer's tokens were to be counted here, and were not: too many came, or it took too long. */
export const usageUnestimated = (requestId: string): TelemetryEvent => ({
  event: "usage.unestimated",
  level: "warning",
  requestId,
});

/** Usage events could not be sent to the ledger; they are sent again. */
export const usageUnsent = (error: unknown): TelemetryEvent => ({
  event: "usage.unsent",
  level: "warning",
  ...causeOf(error),
});

/** Usage events will never reach the ledger: there was no room to hold them, or no time left. */
export const usageDropped = (events: number): TelemetryEvent => ({
  event: "usage.dropped",
  level: "error",
  events,
});

/** A message with usage events was counted into the ledger, so long after the oldest of them. */
export const usageCounted = (facts: { events: number; lagMs: number }): TelemetryEvent => ({
  event: "usage.counted",
  level: "info",
  ...facts,
});

/** A message with usage events could not be counted; it comes again, or goes to the poison queue. */
export const usageUncounted = (error: unknown): TelemetryEvent => ({
  event: "usage.uncounted",
  level: "error",
  ...causeOf(error),
});

/** Usage events that can never be counted were put aside, among the dead letters of `usage`. */
export const usagePoisoned = (problem: string): TelemetryEvent => ({
  event: "usage.poisoned",
  level: "error",
  problem,
});

/** A backend does not take the wish for usage in a stream, and is not asked again. */
export const usageWishRefused = (backend: string): TelemetryEvent => ({
  event: "usage.wish.refused",
  level: "info",
  backend,
});

/** Markers of events that were counted long ago were removed, and rows of days that are not kept any longer. */
export const usageSwept = (removed: { markers: number; rows: number }): TelemetryEvent => ({
  event: "usage.swept",
  level: "info",
  ...removed,
});

/** The ledger could not be swept; the next sweep goes on with it. */
export const usageSweepFailed = (error: unknown): TelemetryEvent => ({
  event: "usage.sweep.failed",
  level: "warning",
  ...causeOf(error),
});
