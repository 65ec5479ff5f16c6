import type { StorageConnection } from "../config/index.ts";
import type { DocumentLocation } from "./document-location.ts";
import { DocumentError, type DocumentSource } from "./document-source.ts";
import { fileSource } from "./file-source.ts";
import { type DocumentIdentity, httpSource } from "./http-source.ts";
import { type RowEntry, tableSource } from "./table-source.ts";

/** What sources need besides their location. */
export interface SourceMeans {
  /** The storage account of tables. */
  readonly connection: StorageConnection | undefined;
  /** The field that a row's key fills. */
  readonly keyField: string;
  /** The gateway's own identity towards servers; undefined fetches without a token. */
  readonly identity?: DocumentIdentity | undefined;
}

/** The source of the document at a location; throws when something that it needs is not configured. */
export function sourceAt(
  location: DocumentLocation,
  { connection, keyField, identity }: SourceMeans,
): DocumentSource<string | readonly RowEntry[]> {
  switch (location.kind) {
    case "file":
      return fileSource({ path: location.path });
    case "http":
      return httpSource({ url: location.url, identity });
    case "table": {
      const { table, partitionKey } = location;
      if (connection) return tableSource({ connection, table, partitionKey, keyField });
      throw new DocumentError("documents in tables need AzureWebJobsStorage");
    }
  }
}
