export { BlobContainer, type BlobContent, openBlobService } from "./blob-container.ts";
export { fromLongText, toLongText } from "./long-text.ts";
export { type Row, Table } from "./table.ts";
