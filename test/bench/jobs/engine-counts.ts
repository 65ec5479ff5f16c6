import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What the Durable engine has done and has still to do. */
export interface EngineCounts {
  /**
   * Messages that orchestrations were ever sent. Each episode heeds one at least, and the number only
   * grows, whatever becomes of the histories.
   */
  readonly sent: number;
  /** Messages and activities that wait. */
  readonly open: number;
}

/** Reads the engine's database. */
export function engineCounts(dataDir: string): EngineCounts {
  const folder = join(dataDir, "host");
  const file = readdirSync(folder).find((name) => name.endsWith(".db"));
  if (!file) throw new Error(`The engine keeps no database in ${folder}.`);
  // The engine has its database to itself: what is read is a copy, with the log of what came last.
  const copy = mkdtempSync(join(tmpdir(), "gateway-bench-"));
  for (const suffix of ["", "-wal"]) cpSync(join(folder, file + suffix), join(copy, `db${suffix}`));
  const database = new DatabaseSync(join(copy, "db"));
  const number = (sql: string): number => Number(database.prepare(sql).get()?.["n"] ?? 0);
  try {
    return {
      sent: number("SELECT seq AS n FROM sqlite_sequence WHERE name = 'messages'"),
      open: number("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM work) AS n"),
    };
  } finally {
    database.close();
    rmSync(copy, { recursive: true, force: true });
  }
}
