import type { TableClient, TableEntity, TransactionAction } from "@azure/data-tables";
import type { StorageConnection } from "../config/index.ts";
import { openTable } from "../connections/index.ts";
import { callTimeout } from "./call-timeout.ts";
import { RepeatedCalls } from "./repeated-calls.ts";
import { statusOf, withStorage } from "./storage-error.ts";

/** A row of plain values. */
export type Row = TableEntity<Record<string, unknown>>;

/** Row keys from one on, up to and without another. */
export interface RowRange {
  readonly from: string;
  readonly before: string;
  /** No more rows than these; all of the range unless given. */
  readonly atMost?: number;
}

// https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination
const MAX_PAGE_ROWS = 1000;
// One try: a query answers within five seconds, if only with where to go on (as above).
const CALL_TIMEOUT_MS = 20_000;

/**
 * The most rows of one transaction.
 * https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
 */
export const MAX_CHANGES = 100;
/** Gone, there already, or changed since it was read. */
const CONFLICTS: ReadonlySet<number> = new Set([404, 409, 412]);

/** One row of a transaction: new, in place of the version that was read, of whatever was there, or removed. */
export type TableChange =
  | { readonly kind: "insert"; readonly row: Keyed }
  | { readonly kind: "upsert"; readonly row: Keyed }
  | { readonly kind: "replace"; readonly row: Keyed; readonly etag: string }
  | { readonly kind: "remove"; readonly row: Keyed };

interface Keyed {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly [name: string]: unknown;
}

/** Partitions from one on up to and without another, and in each of them such a range of row keys. */
export interface TableRange {
  readonly fromPartition: string;
  readonly beforePartition: string;
  readonly fromRow: string;
  readonly beforeRow: string;
}

interface ListOptions {
  readonly atMost?: number | undefined;
  readonly select?: readonly string[] | undefined;
}

/** One table, made when it is first used and absent. Scope: per instance. */
export class Table {
  readonly #connection: StorageConnection;
  readonly #name: string;
  readonly #timeoutMs: number;
  readonly #repeated = new RepeatedCalls();
  #client: Promise<TableClient> | undefined;

  constructor(connection: StorageConnection, name: string, timeoutMs = CALL_TIMEOUT_MS) {
    this.#connection = connection;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
  }

  /** Inserts a row; returns false when a row with its keys is there already. */
  insert(row: Row): Promise<boolean> {
    return withStorage("Writing a row", async () => {
      try {
        await (await this.#ready()).createEntity(row);
        return true;
      } catch (error) {
        if (statusOf(error) !== 409) throw error;
        return this.#isOwnWork(error, [{ kind: "insert", row }]);
      }
    });
  }

  upsert(row: Row): Promise<void> {
    return withStorage("Writing a row", async () => {
      await (await this.#ready()).upsertEntity(row, "Replace");
    });
  }

  /** Removes a row, if it is there. */
  remove(partitionKey: string, rowKey: string): Promise<void> {
    return this.#remove(partitionKey, rowKey, "*");
  }

  /** Removes a row that was read, unless somebody has changed or replaced it since. */
  removeUnchanged({ partitionKey, rowKey, etag }: Row): Promise<void> {
    return this.#remove(partitionKey, rowKey, typeof etag === "string" ? etag : "*");
  }

  get(partitionKey: string, rowKey: string): Promise<Row | undefined> {
    return withStorage("Reading a row", async () => {
      try {
        return await (await this.#ready()).getEntity<Row>(partitionKey, rowKey);
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  }

  /** All rows of a partition, in the order of their row keys; of each only what is selected, if anything is. */
  readPartition(partitionKey: string, select?: readonly string[]): Promise<Row[]> {
    return this.#list(`PartitionKey eq ${quoted(partitionKey)}`, { select });
  }

  /** The rows of a partition whose keys lie from one to before another, in order. */
  readRange(partitionKey: string, { from, before, atMost }: RowRange): Promise<Row[]> {
    const keys = `RowKey ge ${quoted(from)} and RowKey lt ${quoted(before)}`;
    return this.#list(`PartitionKey eq ${quoted(partitionKey)} and ${keys}`, { atMost });
  }

  /**
   * Changes up to 100 rows of one partition together or not at all; returns false when one was there
   * already, was gone, or had changed.
   */
  transact(changes: readonly TableChange[]): Promise<boolean> {
    return withStorage("Writing rows", async () => {
      try {
        await (await this.#ready()).submitTransaction(changes.map(toAction));
        return true;
      } catch (error) {
        if (!CONFLICTS.has(statusOf(error) ?? 0)) throw error;
        return this.#isOwnWork(error, changes);
      }
    });
  }

  /** Pages of the rows of several partitions, in the order of their keys. */
  async *pages(range: TableRange): AsyncGenerator<Row[], void, undefined> {
    const filter = [
      `PartitionKey ge ${quoted(range.fromPartition)}`,
      `PartitionKey lt ${quoted(range.beforePartition)}`,
      `RowKey ge ${quoted(range.fromRow)}`,
      `RowKey lt ${quoted(range.beforeRow)}`,
    ].join(" and ");
    const client = await withStorage("Reading rows", () => this.#ready());
    const found = client
      .listEntities<Row>({ queryOptions: { filter } })
      .byPage({ maxPageSize: MAX_PAGE_ROWS });
    for (;;) {
      const { done, value } = await withStorage("Reading rows", () => found.next());
      if (done) return;
      yield value;
    }
  }

  /** Removes rows of one partition; those that are gone already do not matter. */
  async removeAll(partitionKey: string, rowKeys: readonly string[]): Promise<void> {
    for (let at = 0; at < rowKeys.length; at += MAX_CHANGES) {
      const keys = rowKeys.slice(at, at + MAX_CHANGES);
      const changes = keys.map(
        (rowKey): TableChange => ({ kind: "remove", row: { partitionKey, rowKey } }),
      );
      if (await this.transact(changes)) continue;
      for (const rowKey of keys) await this.remove(partitionKey, rowKey);
    }
  }

  #list(
    filter: string,
    { atMost = Number.POSITIVE_INFINITY, select }: ListOptions,
  ): Promise<Row[]> {
    return withStorage("Reading rows", async () => {
      const rows: Row[] = [];
      const queryOptions = select ? { filter, select: [...select] } : { filter };
      const found = (await this.#ready()).listEntities<Row>({ queryOptions });
      const maxPageSize = Math.min(atMost, MAX_PAGE_ROWS);
      for await (const page of found.byPage({ maxPageSize })) {
        rows.push(...page.slice(0, atMost - rows.length));
        if (rows.length >= atMost) break;
      }
      return rows;
    });
  }

  #remove(partitionKey: string, rowKey: string, etag: string): Promise<void> {
    return withStorage("Removing a row", async () => {
      try {
        await (await this.#ready()).deleteEntity(partitionKey, rowKey, { etag });
      } catch (error) {
        // Gone already, or another by now: either way not ours to remove.
        const status = statusOf(error);
        if (status !== 404 && status !== 412) throw error;
      }
    });
  }

  /** Whether a conflict is one of a call with itself: it was sent twice, and what it asked for stands. */
  async #isOwnWork(error: unknown, changes: readonly TableChange[]): Promise<boolean> {
    if (!this.#repeated.has(error)) return false;
    const standing = await Promise.all(
      changes.map(async ({ kind, row }) => {
        const found = await this.get(row.partitionKey, row.rowKey);
        return kind === "remove" ? found === undefined : found !== undefined && holds(found, row);
      }),
    );
    return standing.every((stands) => stands);
  }

  #ready(): Promise<TableClient> {
    this.#client ??= this.#create().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #create(): Promise<TableClient> {
    const options = { additionalPolicies: [this.#repeated.policy, callTimeout(this.#timeoutMs)] };
    const client = await openTable(this.#connection, this.#name, options);
    await client.createTable();
    return client;
  }
}

function toAction(change: TableChange): TransactionAction {
  if (change.kind === "insert") return ["create", change.row];
  if (change.kind === "upsert") return ["upsert", change.row, "Replace"];
  if (change.kind === "remove") return ["delete", change.row];
  return ["update", change.row, "Replace", { etag: change.etag }];
}

const holds = (found: Row, written: Keyed): boolean =>
  Object.entries(written).every(([name, value]) => found[name] === value);

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
