export { BlobContainer, type BlobContent, openBlobService } from "./blob-container.ts";
export { fromLongText, toLongText } from "./long-text.ts";
export { type Row, type RowRange, Table } from "./table.ts";
