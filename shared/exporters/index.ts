export { type EventLogOptions, openEventLog } from "./open-event-log.ts";
export { type OpenTelemetryOptions, openTelemetry, type Telemetry } from "./open-telemetry.ts";
export { PROMETHEUS_TYPE } from "./prometheus-page.ts";
