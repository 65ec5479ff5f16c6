import type { TelemetryEvent } from "./events.ts";

/** A backend was taken out of use by its probes, or came back. */
export const backendHealthChanged = (backend: string, isHealthy: boolean): TelemetryEvent => ({
  event: "backend.health.changed",
  level: isHealthy ? "info" : "warning",
  backend,
  isHealthy,
});

/**
 * A request went out once more to the same backend, which had not seen it: its kept connection closed at that
 * moment, or it refused the request unread. It is one call still, and no failure.
 */
export const attemptResent = (
  requestId: string,
  facts: { backend: string; reason: "closed" | "refused" },
): TelemetryEvent => ({ event: "attempt.resent", level: "info", requestId, ...facts });

interface BreakerFacts {
  readonly state: "open" | "half-open" | "closed";
  readonly reason: string;
  readonly lastFailure: string;
  readonly failures: number;
  readonly calls: number;
  readonly failedTrials: number;
  readonly openForMs: number;
}

/** A backend's breaker opened, lets one call try it, or closed again. */
export const backendBreakerChanged = (backend: string, facts: BreakerFacts): TelemetryEvent => ({
  event: "backend.breaker.changed",
  level: facts.state === "open" ? "warning" : "info",
  backend,
  ...facts,
});
