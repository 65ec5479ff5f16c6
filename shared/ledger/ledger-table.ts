/** A row of the ledger as its table has it. */
export interface LedgerEntity {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly [name: string]: unknown;
}

/** One row of a change: new, or in place of the version that was read. */
export type RowChange =
  | { readonly kind: "insert"; readonly row: LedgerEntity }
  | { readonly kind: "replace"; readonly row: LedgerEntity; readonly etag: string };

/** Which rows: from one partition on up to another, and of each partition a range of row keys. */
export interface LedgerRange {
  readonly fromPartition: string;
  readonly beforePartition: string;
  readonly fromRow: string;
  readonly beforeRow: string;
}

/** The table behind the ledger. */
export interface LedgerTable {
  get(partitionKey: string, rowKey: string): Promise<LedgerEntity | undefined>;
  /** Changes rows of one partition together or not at all; false when one was not as expected. */
  transact(changes: readonly RowChange[]): Promise<boolean>;
  /** Pages of rows, in the order of their keys. */
  pages(range: LedgerRange): AsyncIterable<readonly LedgerEntity[]>;
  /** Removes rows of one partition; what is gone already does not matter. */
  removeAll(partitionKey: string, rowKeys: readonly string[]): Promise<void>;
}
