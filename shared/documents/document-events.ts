import type { TelemetryEvent } from "../telemetry/index.ts";

/** A new version of a document is in force. */
export const documentLoaded = (facts: {
  document: string;
  source: string;
  version: string;
  durationMs: number;
  warnings: readonly string[];
}): TelemetryEvent => ({
  event: "document.loaded",
  level: facts.warnings.length > 0 ? "warning" : "info",
  ...facts,
});

/** A document could not be loaded; what was in force before stays so, and grows older. */
export const documentLoadFailed = (facts: {
  document: string;
  source: string;
  error: string;
  failures: number;
  ageMs: number | undefined;
}): TelemetryEvent => ({ event: "document.load.failed", level: "error", ...facts });

/** A document was loaded and is wrong; what was in force before stays so. */
export const documentRejected = (facts: {
  document: string;
  source: string;
  version: string;
  problems: readonly string[];
  ageMs: number | undefined;
}): TelemetryEvent => ({ event: "document.rejected", level: "error", ...facts });

/** A document that could not be loaded is there again, unchanged. */
export const documentRecovered = (facts: {
  document: string;
  source: string;
  failures: number;
}): TelemetryEvent => ({ event: "document.recovered", level: "info", ...facts });

/** Documents that are each right do not fit together; what was in force before stays so. */
export const snapshotRejected = (error: string): TelemetryEvent => ({
  event: "snapshot.rejected",
  level: "error",
  error,
});
