export {
  appConfigurationSource,
  type ConfigurationStore,
  type SettingEntry,
} from "./app-configuration-source.ts";
export { parseDocumentLocation } from "./document-location.ts";
export {
  type DocumentReader,
  documentReader,
  type ParseDocument,
  type ParsedContent,
} from "./document-reader.ts";
export { DocumentError, type DocumentSource, type Loaded } from "./document-source.ts";
export { fileSource } from "./file-source.ts";
export { parseHotSettings } from "./hot-settings.ts";
export { type FetchDocument, httpSource } from "./http-source.ts";
export { LiveDocument, type LiveDocumentOptions, type Presence } from "./live-document.ts";
export { LiveSnapshot, type SnapshotStatus } from "./live-snapshot.ts";
export { sourceAt } from "./source-at.ts";
export { type TableRow, tableSource } from "./table-source.ts";
export { WARM_SETTINGS } from "./warm-settings.ts";
