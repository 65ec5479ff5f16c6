import { StartError } from "../service.ts";
import type { CommitLoop } from "./commit-loop.ts";
import { Journal } from "./journal.ts";
import type { LokiDatabase } from "./loki.ts";

// SQLite's primary result codes, https://www.sqlite.org/rescode.html
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_CANTOPEN = 14;
const PRIMARY_CODE_MASK = 0xff;

/** Opens the journal, or says in one sentence why the user's file does not open. */
export function openJournal(path: string, commits: CommitLoop): Journal {
  try {
    const journal = new Journal(path, commits.noteChange);
    commits.drive(journal);
    return journal;
  } catch (error) {
    throw new StartError(sentenceFor(error, path), { cause: error });
  }
}

/** Restores a Loki database from the journal, or says in one sentence why that fails. */
export function restore(journal: Journal, source: string, loki: LokiDatabase): void {
  try {
    journal.attach(source, loki);
  } catch (error) {
    throw new StartError(sentenceFor(error, journal.path), { cause: error });
  }
}

function sentenceFor(error: unknown, path: string): string {
  const detail = error instanceof Error ? error.message : String(error);
  switch (sqliteCode(error)) {
    case SQLITE_BUSY:
      return `The storage database ${path} is in use by another process. Stop the other stack, or set LOCAL_DATA_DIR to another folder.`;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return `The storage database ${path} cannot be opened for writing (${detail}). Mend the rights of the file and its folder.`;
    default:
      return `The storage database ${path} cannot be read (${detail}). Restore it from a copy, or remove its folder to start empty.`;
  }
}

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return Number(error.errcode) & PRIMARY_CODE_MASK;
}
