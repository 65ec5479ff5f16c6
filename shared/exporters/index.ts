export { openEventLog } from "./open-event-log.ts";
export { openTelemetry, type Telemetry } from "./open-telemetry.ts";
export { PROMETHEUS_TYPE } from "./prometheus-page.ts";
