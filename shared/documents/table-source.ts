import type { TableClient } from "@azure/data-tables";
import type { StorageConnection } from "../config/index.ts";
import { openTable } from "../connections/index.ts";
import { isFields } from "../core/fields.ts";
import { parsedJson } from "../core/parsed-json.ts";
import { DEFAULT_LIMIT_BYTES, DocumentError, type DocumentSource } from "./document-source.ts";
import { contentVersion, tooLarge } from "./text-content.ts";

// A document is loaded again soon after a failure; more tries inside one load would only delay that.
const CLIENT_OPTIONS = { retryOptions: { maxRetries: 1 } };

/** A row as the table's client gives it. */
export type TableRow = Readonly<Record<string, unknown>>;

/** An entry of a document that is kept in rows. */
export type RowEntry = Readonly<Record<string, unknown>>;

export interface TableSourceOptions {
  readonly connection: StorageConnection;
  readonly table: string;
  /** The partition that holds the document: one row an entry. */
  readonly partitionKey: string;
  /** The field that the row key fills where the entry does not name it. */
  readonly keyField: string;
  readonly limitBytes?: number;
  /** Lists the partition's rows; the default asks the storage account. */
  readonly listRows?: (signal: AbortSignal) => AsyncIterable<TableRow>;
}

// Column names allow no hyphen and a string 32 Ki characters, so an entry's odd fields go in one column:
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
const DOCUMENT_COLUMN = "document";
const SYSTEM_COLUMNS = new Set([
  "partitionKey",
  "rowKey",
  "timestamp",
  "etag",
  "odata.metadata",
  DOCUMENT_COLUMN,
]);

/**
 * A document in rows of a table. An entry has the row's columns, then the fields of the JSON object in
 * the column `document`, and the row key as its key field unless one of them names it.
 */
export function tableSource(options: TableSourceOptions): DocumentSource<readonly RowEntry[]> {
  const { keyField, limitBytes = DEFAULT_LIMIT_BYTES } = options;
  const listRows = options.listRows ?? createRowList(options);
  return {
    kind: "table",
    async load(knownVersion, signal) {
      const entries: RowEntry[] = [];
      let sizeBytes = 0;
      for await (const row of withTableErrors(listRows(signal), signal)) {
        const entry = toEntry(row, keyField);
        sizeBytes += JSON.stringify(entry).length;
        if (sizeBytes > limitBytes) throw tooLarge(limitBytes);
        entries.push(entry);
      }
      const version = contentVersion(JSON.stringify(entries));
      if (version === knownVersion) return { changed: false };
      return { changed: true, content: entries, version };
    },
  };
}

function toEntry(row: TableRow, keyField: string): RowEntry {
  const columns = Object.entries(row).flatMap(([name, value]) =>
    SYSTEM_COLUMNS.has(name) || name.endsWith("@odata.type")
      ? []
      : [[name, toJson(value)] as const],
  );
  return {
    [keyField]: row["rowKey"],
    ...Object.fromEntries(columns),
    ...readDocument(row),
  };
}

/** 64-bit integers and times come as objects that JSON does not know. */
function toJson(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Date ? value.toISOString() : value;
}

function readDocument(row: TableRow): RowEntry {
  const text = row[DOCUMENT_COLUMN];
  if (text === undefined || text === null) return {};
  const document = parsedJson(String(text));
  // No JSON and the wrong kind of JSON are not told apart: it would not help anybody more.
  if (isFields(document)) return document;
  const key = JSON.stringify(String(row["rowKey"]).slice(0, 64));
  throw new DocumentError(`row ${key}: column "${DOCUMENT_COLUMN}" is not a JSON object`);
}

async function* withTableErrors(
  rows: AsyncIterable<TableRow>,
  signal: AbortSignal,
): AsyncIterable<TableRow> {
  try {
    yield* rows;
  } catch (cause) {
    if (cause instanceof DocumentError || signal.aborted) throw cause;
    const status = cause instanceof Error && "statusCode" in cause ? ` (${cause.statusCode})` : "";
    throw new DocumentError(`the table cannot be read${status}`, { cause });
  }
}

function createRowList({ connection, table, partitionKey }: TableSourceOptions) {
  let client: Promise<TableClient> | undefined;
  return async function* listRows(signal: AbortSignal): AsyncIterable<TableRow> {
    client ??= openTable(connection, table, CLIENT_OPTIONS);
    client.catch(() => {
      client = undefined;
    });
    const filter = `PartitionKey eq '${partitionKey.replaceAll("'", "''")}'`;
    yield* (await client).listEntities({ queryOptions: { filter }, abortSignal: signal });
  };
}
