import type { TelemetryEvent } from "./events.ts";

/** A backend was taken out of use by its probes, or came back. */
export const backendHealthChanged = (backend: string, isHealthy: boolean): TelemetryEvent => ({
  event: "backend.health.changed",
  level: isHealthy ? "info" : "warning",
  backend,
  isHealthy,
});

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
