import { fileURLToPath } from "node:url";

/** Where a setting such as `UserConfigUrl` says that a document is. */
export type DocumentLocation =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "table"; readonly table: string; readonly partitionKey: string };

const TABLE = /^table:([A-Za-z][A-Za-z0-9]{2,62})\/([^/\\#?]{1,512})$/i;

/** Reads `file:path`, an http(s) URL, or `table:name/partition`; undefined when it is none of them. */
export function parseDocumentLocation(text: string): DocumentLocation | undefined {
  const value = text.trim();
  if (/^file:/i.test(value)) return fileLocation(value);
  const [, table, partitionKey] = TABLE.exec(value) ?? [];
  if (table !== undefined && partitionKey !== undefined) {
    return { kind: "table", table, partitionKey };
  }
  const url = URL.parse(value);
  return url && /^https?:$/.test(url.protocol) ? { kind: "http", url: value } : undefined;
}

/** As in the original a path follows the colon; a file URL with an empty authority is one too. */
function fileLocation(value: string): DocumentLocation | undefined {
  const path = value.slice("file:".length);
  if (!path.startsWith("//")) return path === "" ? undefined : { kind: "file", path };
  try {
    return { kind: "file", path: fileURLToPath(value) };
  } catch {
    return undefined;
  }
}
