/** A document as LokiJS holds it; `$loki` is its number within its collection. */
export interface LokiDocument {
  readonly $loki: number;
}

/** The part of a LokiJS collection that persistence and look-ups need. */
export interface LokiCollection {
  readonly name: string;
  readonly uniqueNames: readonly string[];
  readonly binaryIndices: Readonly<Record<string, unknown>>;
  data: LokiDocument[];
  maxId: number;
  get(id: number): LokiDocument | null;
  ensureAllIndexes(force: boolean): void;
  findOne(query: Readonly<Record<string, unknown>>): LokiDocument | null;
  /** Begins a query of all documents; what can be asked of it is up to who asks. */
  chain(): object;
  on(
    event: "insert" | "update" | "delete",
    listener: (changed: LokiDocument | LokiDocument[]) => void,
  ): void;
}

/** How a collection is indexed; it is restored with the same indices. */
export interface LokiCollectionOptions {
  indices?: string[];
  unique?: string[];
}

/** The part of a LokiJS database that persistence needs. */
export interface LokiDatabase {
  readonly collections: readonly LokiCollection[];
  autosave: boolean;
  autosaveDisable(): void;
  getCollection(name: string): LokiCollection | null;
  addCollection(name: string, options?: LokiCollectionOptions): LokiCollection;
  removeCollection(name: string): void;
  saveDatabase(done?: (error?: Error) => void): void;
}

/** The indices of a collection, in the form in which `addCollection` takes them. */
export function indexOptions(collection: LokiCollection): Required<LokiCollectionOptions> {
  return { indices: Object.keys(collection.binaryIndices), unique: [...collection.uniqueNames] };
}
