import { GatewayError } from "../../shared/core/errors.ts";
import type { Row, RowRange, Table, TableChange, TableRange } from "../../shared/storage/index.ts";

/** A table in memory, in the shape of the storage room's. Scope: one test. */
export class MemoryTable {
  readonly rows = new Map<string, Row>();
  isAway = false;
  #version = 0;

  /** This table where the storage room's is expected: a class with private fields has no other equal. */
  get asTable(): Table {
    return this as unknown as Table;
  }

  async insert(row: Row): Promise<boolean> {
    this.#knock();
    if (this.rows.has(keyOf(row))) return false;
    this.#put(row);
    return true;
  }

  async upsert(row: Row): Promise<void> {
    this.#knock();
    this.#put(row);
  }

  async get(partitionKey: string, rowKey: string): Promise<Row | undefined> {
    this.#knock();
    return this.rows.get(keyOf({ partitionKey, rowKey }));
  }

  async readPartition(partitionKey: string): Promise<Row[]> {
    this.#knock();
    return [...this.rows.values()]
      .filter((row) => row.partitionKey === partitionKey)
      .sort((a, b) => ((a.rowKey ?? "") < (b.rowKey ?? "") ? -1 : 1));
  }

  async readRange(partitionKey: string, { from, before, atMost }: RowRange): Promise<Row[]> {
    const rows = await this.readPartition(partitionKey);
    return rows.filter(({ rowKey = "" }) => rowKey >= from && rowKey < before).slice(0, atMost);
  }

  async remove(partitionKey: string, rowKey: string): Promise<void> {
    this.#knock();
    this.rows.delete(keyOf({ partitionKey, rowKey }));
  }

  async removeUnchanged(row: Row): Promise<void> {
    this.#knock();
    if (this.rows.get(keyOf(row))?.["etag"] === row["etag"]) this.rows.delete(keyOf(row));
  }

  /** Yields before it looks, so that whoever else writes at the same time is seen. */
  async transact(changes: readonly TableChange[]): Promise<boolean> {
    await Promise.resolve();
    this.#knock();
    if (new Set(changes.map(({ row }) => keyOf(row))).size !== changes.length) {
      throw new Error("A transaction changes each row once.");
    }
    if (changes.length > 100) throw new Error("A transaction has at most 100 rows.");
    if (!changes.every((change) => this.#isAsExpected(change))) return false;
    for (const { kind, row } of changes) {
      if (kind === "remove") this.rows.delete(keyOf(row));
      else this.#put(row);
    }
    return true;
  }

  async *pages(range: TableRange): AsyncGenerator<Row[], void, undefined> {
    this.#knock();
    const { fromPartition, beforePartition, fromRow, beforeRow } = range;
    yield [...this.rows.values()]
      .filter(({ partitionKey: key = "" }) => key >= fromPartition && key < beforePartition)
      .filter(({ rowKey: key = "" }) => key >= fromRow && key < beforeRow)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  async removeAll(partitionKey: string, rowKeys: readonly string[]): Promise<void> {
    for (const rowKey of rowKeys) await this.remove(partitionKey, rowKey);
  }

  #isAsExpected(change: TableChange): boolean {
    const known = this.rows.get(keyOf(change.row));
    if (change.kind === "insert") return known === undefined;
    if (change.kind === "upsert") return true;
    return known !== undefined && (change.kind === "remove" || known["etag"] === change.etag);
  }

  #put(row: Row): void {
    this.#version += 1;
    this.rows.set(keyOf(row), { ...row, etag: `v${this.#version}` });
  }

  #knock(): void {
    if (this.isAway) throw new GatewayError("storage-unavailable", "The storage is away.");
  }
}

const keyOf = ({ partitionKey, rowKey }: Row): string => `${partitionKey}/${rowKey}`;
