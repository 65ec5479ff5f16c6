import type { LokiCollection, LokiDatabase, LokiDocument } from "./loki.ts";
import { onlyPartition, type RowDocument, RowIndex } from "./row-index.ts";

/** The part of Azurite's table store that looks rows up; it is version 3.37.0's and pinned with it. */
export interface TableStore {
  readonly db: LokiDatabase;
  queryTableEntities(
    context: unknown,
    account: string,
    table: string,
    options: { readonly filter?: string },
    ...place: unknown[]
  ): Promise<unknown>;
}

/**
 * Lets Azurite's table store find a row by its keys, and the rows of a partition by its key. Left to
 * itself it tries each row of the table, or each that has the same row key: with the tens of thousands
 * of rows that a few thousand jobs leave behind, every other look takes longer than all else together.
 */
export function findRowsByKey(store: TableStore): void {
  let narrowedTo: string | undefined;
  const isNarrowedTo = (): string | undefined => narrowedTo;
  for (const collection of store.db.collections) index(collection, isNarrowedTo);
  const { addCollection } = store.db;
  store.db.addCollection = (name, options) => {
    const isKnown = store.db.getCollection(name) !== null;
    const collection = addCollection.call(store.db, name, options);
    if (!isKnown) index(collection, isNarrowedTo);
    return collection;
  };
  const { queryTableEntities } = store;
  store.queryTableEntities = (...query) => {
    const [, , , { filter }] = query;
    narrowedTo = onlyPartition(filter);
    // The rows are looked up before it returns: nothing else runs in between.
    try {
      return queryTableEntities.apply(store, query);
    } finally {
      narrowedTo = undefined;
    }
  };
}

function index(collection: LokiCollection, narrowedTo: () => string | undefined): void {
  if (!("PartitionKey" in collection.binaryIndices)) return;
  const rows = new RowIndex();
  for (const row of collection.data) rows.put(row as RowDocument);
  collection.on("insert", (row) => eachRow(row, (each) => rows.put(each)));
  collection.on("update", (row) => eachRow(row, (each) => rows.put(each)));
  collection.on("delete", (row) => eachRow(row, (each) => rows.remove(each)));
  const { findOne, chain } = collection;
  collection.findOne = (query) => {
    const { PartitionKey, RowKey, ...others } = query;
    const isByKeys = typeof PartitionKey === "string" && typeof RowKey === "string";
    if (!isByKeys || Object.keys(others).length > 0) return findOne.call(collection, query);
    return rows.get(PartitionKey, RowKey) ?? null;
  };
  collection.chain = () => {
    const partitionKey = narrowedTo();
    if (partitionKey === undefined) return chain.call(collection);
    return new RowChain(rows.partition(partitionKey));
  };
}

function eachRow(row: LokiDocument | LokiDocument[], use: (row: RowDocument) => void): void {
  for (const each of Array.isArray(row) ? row : [row]) use(each as RowDocument);
}

/** What Azurite does with the rows that it has found. Scope: one query. */
class RowChain {
  #rows: RowDocument[];

  constructor(rows: RowDocument[]) {
    this.#rows = rows;
  }

  where(isWanted: (row: RowDocument) => boolean): this {
    this.#rows = this.#rows.filter(isWanted);
    return this;
  }

  sort(compare: (one: RowDocument, other: RowDocument) => number): this {
    this.#rows.sort(compare);
    return this;
  }

  limit(count: number): this {
    this.#rows = this.#rows.slice(0, count);
    return this;
  }

  data(): RowDocument[] {
    return this.#rows;
  }
}
