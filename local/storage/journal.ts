import { DatabaseSync, type StatementSync } from "node:sqlite";
import { deserialize, serialize } from "node:v8";
import {
  indexOptions,
  type LokiCollection,
  type LokiCollectionOptions,
  type LokiDatabase,
  type LokiDocument,
} from "./loki.ts";

/** Raised when the tables or the form of a document change; an older file is then refused. */
const SCHEMA_VERSION = 1;

// EXCLUSIVE, before anything is read, keeps a second stack out of the same folder.
const LOCK = "PRAGMA locking_mode = EXCLUSIVE";
// What a stack that was just killed needs to be gone.
const LOCK_TIMEOUT_MS = 1_000;

// NORMAL syncs at checkpoints only: a killed process loses nothing, because what it committed is
// in the operating system's hands.
const OPEN = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS collections (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL, options TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS documents (
    collection INTEGER NOT NULL, id INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (collection, id)
  ) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

interface Tracked {
  readonly id: number;
  readonly source: string;
  readonly collection: LokiCollection;
  readonly changed: Set<number>;
  isStored: boolean;
}

interface Statements {
  readonly addCollection: StatementSync;
  readonly dropCollection: StatementSync;
  readonly dropDocuments: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
}

/**
 * Makes LokiJS databases durable: it listens for changed documents and writes each of them, in its
 * last state, into one SQLite file. A commit costs what changed, never what is stored.
 * Scope: one storage process.
 */
export class Journal {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #tracked = new Map<LokiCollection, Tracked>();
  readonly #changed = new Set<Tracked>();
  readonly #dropped = new Set<number>();
  readonly #onChange: () => void;
  #lastCollectionId: number;

  /** `onChange` is called for every change, also when others wait for the next commit already. */
  constructor(path: string, onChange: () => void) {
    this.path = path;
    this.#onChange = onChange;
    this.#database = new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MS });
    try {
      this.#database.exec(LOCK);
      refuseForeignVersion(this.#database);
      this.#database.exec(OPEN);
      this.#statements = prepare(this.#database);
      this.#lastCollectionId = highestCollectionId(this.#database);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Whether something waits to be committed. */
  get isDirty(): boolean {
    return this.#changed.size > 0 || this.#dropped.size > 0;
  }

  /** Fills an empty Loki database with what is stored under `source`, then follows its changes. */
  attach(source: string, loki: LokiDatabase): void {
    loki.autosaveDisable();
    loki.autosave = false;
    loki.saveDatabase = (done) => done?.();
    const rows = this.#database
      .prepare("SELECT id, name, options FROM collections WHERE source = ? ORDER BY id")
      .all(source);
    for (const row of rows) this.#restore(source, loki, row);
    this.#follow(source, loki);
  }

  /** Writes all that changed since the last commit, as one transaction. */
  commit(): void {
    if (!this.isDirty) return;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const id of this.#dropped) this.#drop(id);
      for (const tracked of this.#changed) this.#write(tracked);
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
    this.#dropped.clear();
    for (const tracked of this.#changed) {
      tracked.changed.clear();
      tracked.isStored = true;
    }
    this.#changed.clear();
  }

  /** Commits what is left and closes the file. */
  close(): void {
    if (!this.#database.isOpen) return;
    try {
      this.commit();
    } finally {
      this.#database.close();
    }
  }

  #restore(source: string, loki: LokiDatabase, row: Record<string, unknown>): void {
    const options: LokiCollectionOptions = JSON.parse(String(row["options"]));
    const collection = loki.addCollection(String(row["name"]), options);
    const id = Number(row["id"]);
    const bodies = this.#database
      .prepare("SELECT body FROM documents WHERE collection = ? ORDER BY id")
      .iterate(id);
    for (const { body } of bodies) collection.data.push(readDocument(body));
    collection.maxId = collection.data.at(-1)?.$loki ?? 0;
    collection.ensureAllIndexes(true);
    this.#track({ id, source, collection, changed: new Set(), isStored: true });
  }

  #follow(source: string, loki: LokiDatabase): void {
    const { addCollection, removeCollection } = loki;
    loki.addCollection = (name, options) => {
      const collection = addCollection.call(loki, name, options);
      if (!this.#tracked.has(collection)) this.#trackNew(source, collection);
      return collection;
    };
    loki.removeCollection = (name) => {
      const tracked = this.#trackedNamed(loki, name);
      removeCollection.call(loki, name);
      if (tracked) this.#untrack(tracked);
    };
  }

  #trackedNamed(loki: LokiDatabase, name: string): Tracked | undefined {
    const collection = loki.getCollection(name);
    return collection ? this.#tracked.get(collection) : undefined;
  }

  #trackNew(source: string, collection: LokiCollection): void {
    this.#lastCollectionId += 1;
    const id = this.#lastCollectionId;
    const tracked = { id, source, collection, changed: new Set<number>(), isStored: false };
    this.#track(tracked);
    this.#changed.add(tracked);
    this.#onChange();
  }

  #track(tracked: Tracked): void {
    this.#tracked.set(tracked.collection, tracked);
    const note = (changed: LokiDocument | LokiDocument[]): void => {
      const documents = Array.isArray(changed) ? changed : [changed];
      for (const document of documents) tracked.changed.add(document.$loki);
      this.#changed.add(tracked);
      this.#onChange();
    };
    // The number is read at once: LokiJS takes it off a removed document after this event.
    for (const event of ["insert", "update", "delete"] as const) {
      tracked.collection.on(event, note);
    }
  }

  #untrack(tracked: Tracked): void {
    this.#tracked.delete(tracked.collection);
    this.#changed.delete(tracked);
    if (tracked.isStored) this.#dropped.add(tracked.id);
    this.#onChange();
  }

  #drop(collectionId: number): void {
    this.#statements.dropDocuments.run(collectionId);
    this.#statements.dropCollection.run(collectionId);
  }

  #write({ id, source, collection, changed, isStored }: Tracked): void {
    const { addCollection, put, remove } = this.#statements;
    if (!isStored) {
      addCollection.run(id, source, collection.name, JSON.stringify(indexOptions(collection)));
    }
    for (const documentId of changed) {
      const document = collection.get(documentId);
      if (document) put.run(id, documentId, serialize(document));
      else remove.run(id, documentId);
    }
  }
}

function prepare(database: DatabaseSync): Statements {
  return {
    addCollection: database.prepare(
      "INSERT INTO collections (id, source, name, options) VALUES (?, ?, ?, ?)",
    ),
    dropCollection: database.prepare("DELETE FROM collections WHERE id = ?"),
    dropDocuments: database.prepare("DELETE FROM documents WHERE collection = ?"),
    put: database.prepare(
      "INSERT OR REPLACE INTO documents (collection, id, body) VALUES (?, ?, ?)",
    ),
    remove: database.prepare("DELETE FROM documents WHERE collection = ? AND id = ?"),
  };
}

// V8's serialization, not JSON: Azurite's documents hold dates and byte arrays, and a restored
// document must be the same as the one that was in memory.
function readDocument(body: unknown): LokiDocument {
  if (!(body instanceof Uint8Array)) throw new Error("A stored document has no body.");
  return deserialize(body) as LokiDocument;
}

function highestCollectionId(database: DatabaseSync): number {
  return Number(database.prepare("SELECT max(id) AS id FROM collections").get()?.["id"] ?? 0);
}

function refuseForeignVersion(database: DatabaseSync): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version === 0 || version === SCHEMA_VERSION) return;
  throw new Error(
    `It was written in format ${version}; this version reads format ${SCHEMA_VERSION}.`,
  );
}
