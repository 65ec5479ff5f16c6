export type { AppendLog } from "./append-log.ts";
export {
  BlobContainer,
  type BlobContent,
  type BlobRange,
  openBlobService,
} from "./blob-container.ts";
export { BlobStore } from "./blob-store.ts";
export { GatheredUpserts } from "./gathered-upserts.ts";
export { fromLongText, toLongText } from "./long-text.ts";
export { type HeldText, MessageQueue, type QueuedText } from "./message-queue.ts";
export { MAX_LINK_LIFE_MS, ReadLinks } from "./read-links.ts";
export { isStorageAway } from "./storage-error.ts";
export { type Row, type RowRange, Table, type TableChange, type TableRange } from "./table.ts";
