import type { LokiDocument } from "./loki.ts";

/** A table's row as Azurite holds it. */
export interface RowDocument extends LokiDocument {
  readonly PartitionKey: string;
  readonly RowKey: string;
}

/** The rows of one table by their keys, without a look at any other row. Scope: one table. */
export class RowIndex {
  readonly #partitions = new Map<string, Map<string, RowDocument>>();

  get(partitionKey: string, rowKey: string): RowDocument | undefined {
    return this.#partitions.get(partitionKey)?.get(rowKey);
  }

  /** All rows of a partition, in no order. */
  partition(partitionKey: string): RowDocument[] {
    return [...(this.#partitions.get(partitionKey)?.values() ?? [])];
  }

  put(row: RowDocument): void {
    const rows = this.#partitions.get(row.PartitionKey);
    if (rows) rows.set(row.RowKey, row);
    else this.#partitions.set(row.PartitionKey, new Map([[row.RowKey, row]]));
  }

  remove({ PartitionKey, RowKey }: RowDocument): void {
    const rows = this.#partitions.get(PartitionKey);
    rows?.delete(RowKey);
    if (rows?.size === 0) this.#partitions.delete(PartitionKey);
  }
}

const PARTITION_FIRST = /^PartitionKey eq '((?:[^']|'')*)'(?: and (.*))?$/s;

/**
 * The only partition whose rows a filter can let through; undefined where that takes more than a look
 * at its first condition, and all rows are to be tried.
 */
export function onlyPartition(filter: string | undefined): string | undefined {
  const [, partitionKey, rest = ""] = PARTITION_FIRST.exec(filter ?? "") ?? [];
  // An `or` binds less than the `and` before it, so that other partitions may come in.
  if (/\bor\b/i.test(rest.replaceAll(/'[^']*'/g, ""))) return undefined;
  return partitionKey?.replaceAll("''", "'");
}
