export type { AuthenticationSettings } from "./authentication.ts";
export { isBackendAddress } from "./backend-address.ts";
export {
  type Connections,
  loadConnections,
  type MessagingConnection,
  SERVICE_BUS_CONNECTION,
  STORAGE_CONNECTION,
  type StorageConnection,
} from "./connections.ts";
export type { EventHubSettings, EventLogSettings, HeaderLogging } from "./event-log.ts";
export { type HostSettings, hostKey, hostPlace } from "./hosts.ts";
export { type Lane, type Lanes, parseLanes, shippedLanes } from "./lanes.ts";
export { parsePriorityWorkers, type Reservations } from "./priority-workers.ts";
export type { RoutingSettings } from "./routing.ts";
export {
  currentEnvironment,
  loadSettings,
  type Settings,
  SettingsError,
} from "./settings.ts";
export { SETTING_NAMES } from "./settings-schema.ts";
export type { SpillRule, SpillRules } from "./spill.ts";
export { runsHere } from "./target-group.ts";
export type { AzureMonitorSettings, TelemetrySettings, TracingSettings } from "./telemetry.ts";
