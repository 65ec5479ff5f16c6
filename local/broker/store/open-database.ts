import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartError } from "../../service.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";

const FILE_NAME = "broker.db";

/** Where a broker keeps everything; `:memory:` is for tests of the entities alone. */
const databasePath = (dataDir: string): string => join(dataDir, FILE_NAME);

/** Opens the broker's database, making folder and tables when they are not there. */
export function openDatabase(dataDir: string): DatabaseSync {
  if (dataDir === ":memory:") return prepare(new DatabaseSync(":memory:"), dataDir);
  makeFolder(dataDir);
  const path = databasePath(dataDir);
  try {
    return prepare(new DatabaseSync(path), path);
  } catch (error) {
    throw asStartError(error, path);
  }
}

function makeFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (cause) {
    throw new StartError(
      `The broker cannot use the folder ${dataDir} (${reason(cause)}). Make it writable or set LOCAL_DATA_DIR to another one.`,
      { cause },
    );
  }
}

function prepare(database: DatabaseSync, path: string): DatabaseSync {
  try {
    // One process owns the file: two brokers on it would hand out the same message twice.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;");
    // NORMAL syncs at checkpoints only: it survives any kill of the process, not a power cut.
    database.exec("PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;");
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  if (version === 0) database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
  else if (version === SCHEMA_VERSION) checkTables(database);
  else {
    throw new StartError(
      `The broker's database ${path} has format ${version}, this version reads ${SCHEMA_VERSION}. Move the file away to start with an empty broker.`,
    );
  }
}

// A torn file may open well and fail only at its first use; it should fail now.
function checkTables(database: DatabaseSync): void {
  const rows = database.prepare("PRAGMA quick_check(1)").all();
  const [first] = rows;
  if (first?.["quick_check"] !== "ok") throw new Error(String(first?.["quick_check"]));
}

function asStartError(error: unknown, path: string): StartError {
  if (error instanceof StartError) return error;
  const why = reason(error);
  if (/locked|busy/i.test(why)) {
    return new StartError(
      `Another broker is using ${path}. Stop it, or set LOCAL_DATA_DIR to another folder.`,
      { cause: error },
    );
  }
  if (/unable to open|readonly|read-only/i.test(why)) {
    return new StartError(
      `The broker cannot write ${path} (${why}). Make the file and its folder writable or set LOCAL_DATA_DIR to another one.`,
      { cause: error },
    );
  }
  return new StartError(
    `The broker's database ${path} is corrupt (${why}). Move the file away to start with an empty broker.`,
    { cause: error },
  );
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
