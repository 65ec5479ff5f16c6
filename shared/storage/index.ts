export { BlobContainer, type BlobContent, openBlobService } from "./blob-container.ts";
export { type Row, Table } from "./table.ts";
