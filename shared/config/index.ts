export {
  type Connections,
  loadConnections,
  type MessagingConnection,
  SERVICE_BUS_CONNECTION,
  type StorageConnection,
} from "./connections.ts";
export type { HostSettings } from "./hosts.ts";
export { type Lane, type Lanes, parseLanes, shippedLanes } from "./lanes.ts";
export { loadSettings, SETTING_NAMES, type Settings, SettingsError } from "./settings.ts";
