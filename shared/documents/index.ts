export {
  type AppConfigurationConnection,
  appConfigurationSource,
  type ConfigurationStore,
  type SettingEntry,
} from "./app-configuration-source.ts";
export { type DocumentLocation, parseDocumentLocation } from "./document-location.ts";
export {
  type DocumentReader,
  documentReader,
  type ParseDocument,
  type ParsedContent,
} from "./document-reader.ts";
export { DocumentError, type DocumentSource, type Loaded } from "./document-source.ts";
export type { DocumentStatus } from "./document-state.ts";
export { fileSource, type ReadFile } from "./file-source.ts";
export { type HotSettingsOptions, parseHotSettings } from "./hot-settings.ts";
export { type DocumentIdentity, type FetchDocument, httpSource } from "./http-source.ts";
export { LiveDocument, type LiveDocumentOptions, type Presence } from "./live-document.ts";
export { LiveSnapshot, type LiveSnapshotOptions, type SnapshotStatus } from "./live-snapshot.ts";
export type { SettingsContent } from "./setting-entries.ts";
export { type SourceMeans, sourceAt } from "./source-at.ts";
export { type RowEntry, type TableRow, tableSource } from "./table-source.ts";
export { WARM_SETTINGS } from "./warm-settings.ts";
