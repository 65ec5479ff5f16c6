import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartError } from "../../service.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";

// Result codes of SQLite, https://www.sqlite.org/rescode.html
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

// A stack that has just been stopped may still hold the file for a moment.
const LOCK_WAIT_MS = 2_000;

// A full check reads the whole file; beyond this size it would delay the start noticeably.
const MAX_CHECKED_BYTES = 64 * 1024 * 1024;

/** Opens the engine's database, made when absent; throws a `StartError` that says what to mend. */
export function openDatabase(dataDir: string, hubName: string): DatabaseSync {
  const file = databaseFile(dataDir, hubName);
  try {
    mkdirSync(dataDir, { recursive: true });
    return prepare(new DatabaseSync(file, { timeout: LOCK_WAIT_MS }), file);
  } catch (error) {
    throw error instanceof StartError ? error : startError(file, error);
  }
}

/** Path of a hub's database. */
export function databaseFile(dataDir: string, hubName: string): string {
  // https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-task-hubs#task-hub-names
  if (!/^[A-Za-z][A-Za-z0-9]{2,44}$/.test(hubName)) {
    throw new StartError(
      `The task hub name "${hubName}" is not valid: 3 to 45 letters and digits, a letter first (hubName in host.json).`,
    );
  }
  return join(dataDir, `${hubName}.db`);
}

function prepare(db: DatabaseSync, file: string): DatabaseSync {
  try {
    // One engine owns the file: two would hand out the same work twice. The lock ends with the process.
    // NORMAL: a commit survives the death of the process; only a power cut may lose the latest ones.
    db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
    db.exec("BEGIN IMMEDIATE");
    migrate(db, file);
    db.exec("COMMIT");
    checkIntegrity(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: DatabaseSync, file: string): void {
  const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version === SCHEMA_VERSION) return;
  if (version !== 0 || hasTables(db)) {
    throw new StartError(
      `${file} was not written by this version of the Durable engine. Move it away to start with an empty one.`,
    );
  }
  db.exec(SCHEMA);
  db.exec(`PRAGMA user_version=${SCHEMA_VERSION}`);
}

function hasTables(db: DatabaseSync): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() !== undefined;
}

function checkIntegrity(db: DatabaseSync, file: string): void {
  if (statSync(file).size > MAX_CHECKED_BYTES) return;
  const verdict = String(db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
  if (verdict !== "ok") throw corrupt(file, verdict);
}

function startError(file: string, error: unknown): StartError {
  const { errcode } = error as { errcode?: number };
  const reason = error instanceof Error ? error.message : String(error);
  // Extended codes keep the primary code in the low byte.
  const primary = errcode === undefined ? undefined : errcode & 0xff;
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) return corrupt(file, reason);
  if (primary === SQLITE_BUSY) {
    return new StartError(
      `${file} is in use by another process. Stop the other local stack, or give this one another data folder.`,
    );
  }
  return new StartError(
    `The Durable engine cannot open ${file}: ${reason}. Make its folder writable, or choose another data folder.`,
  );
}

function corrupt(file: string, reason: string): StartError {
  return new StartError(
    `${file} is damaged (${reason}). Restore it from a copy, or move it away to start with an empty one.`,
  );
}
