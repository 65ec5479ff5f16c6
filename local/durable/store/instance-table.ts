import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Runtime status as the SDK names it. */
export type RuntimeStatus =
  | "Pending"
  | "Running"
  | "Suspended"
  | "Completed"
  | "Failed"
  | "Terminated";

/** One instance and its current execution. */
export interface InstanceRow {
  instanceId: string;
  executionId: string;
  name: string;
  version: string;
  /** JSON text. */
  input: string | null;
  /** JSON text. */
  output: string | null;
  /** JSON text. */
  customStatus: string | null;
  status: RuntimeStatus;
  createdAt: number;
  updatedAt: number;
  parentId: string | null;
  parentExecutionId: string | null;
  parentTaskId: number | null;
  /** How many rows the history has. */
  chunks: number;
}

/** Which instances a query is about. */
export interface InstanceFilter {
  createdFrom?: number;
  createdTo?: number;
  statuses?: readonly string[];
  idPrefix?: string;
  /** Resume after this instance. */
  after?: { createdAt: number; instanceId: string };
  limit: number;
}

const ENDED: ReadonlySet<RuntimeStatus> = new Set(["Completed", "Failed", "Terminated"]);

/** Whether nothing will happen to an instance any more. */
export function hasEnded(status: RuntimeStatus): boolean {
  return ENDED.has(status);
}

const INSERT = `
INSERT OR REPLACE INTO instances VALUES (:instanceId, :executionId, :name, :version, :input, :output,
  :customStatus, :status, :createdAt, :updatedAt, :parentId, :parentExecutionId, :parentTaskId, :chunks)`;

const LIST = `
SELECT * FROM instances
WHERE (createdAt, instanceId) > (:afterCreatedAt, :afterId) AND createdAt >= :from AND createdAt <= :to
  AND (:prefix = '' OR substr(instanceId, 1, length(:prefix)) = :prefix)
  AND (:statuses = '' OR instr(:statuses, ',' || status || ',') > 0)
ORDER BY createdAt, instanceId LIMIT :limit`;

/** The instances and their histories. Scope: one engine. */
export class InstanceTable {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #list: StatementSync;
  readonly #appendHistory: StatementSync;
  readonly #readHistory: StatementSync;
  readonly #clearHistory: StatementSync;

  constructor(db: DatabaseSync) {
    this.#get = db.prepare("SELECT * FROM instances WHERE instanceId = ?");
    this.#put = db.prepare(INSERT);
    this.#delete = db.prepare("DELETE FROM instances WHERE instanceId = ?");
    this.#list = db.prepare(LIST);
    this.#appendHistory = db.prepare("INSERT INTO history VALUES (?, ?, ?)");
    this.#readHistory = db.prepare(
      "SELECT events FROM history WHERE instanceId = ? ORDER BY chunk",
    );
    this.#clearHistory = db.prepare("DELETE FROM history WHERE instanceId = ?");
  }

  get(instanceId: string): InstanceRow | undefined {
    return this.#get.get(instanceId) as unknown as InstanceRow | undefined;
  }

  put(row: InstanceRow): void {
    this.#put.run({ ...row });
  }

  delete(instanceId: string): void {
    this.#delete.run(instanceId);
    this.#clearHistory.run(instanceId);
  }

  /** Oldest first. */
  list(filter: InstanceFilter): InstanceRow[] {
    const rows = this.#list.all({
      afterCreatedAt: filter.after?.createdAt ?? -1,
      afterId: filter.after?.instanceId ?? "",
      from: filter.createdFrom ?? 0,
      to: filter.createdTo ?? Number.MAX_SAFE_INTEGER,
      prefix: filter.idPrefix ?? "",
      statuses: filter.statuses?.length ? `,${filter.statuses.join(",")},` : "",
      limit: filter.limit,
    });
    return rows as unknown as InstanceRow[];
  }

  /** `events` is the text of a JSON array without its brackets. */
  appendHistory(instanceId: string, chunk: number, events: string): void {
    this.#appendHistory.run(instanceId, chunk, events);
  }

  /** The texts of all chunks, oldest first. */
  readHistory(instanceId: string): string[] {
    return this.#readHistory.all(instanceId).map((row) => String(row["events"]));
  }

  clearHistory(instanceId: string): void {
    this.#clearHistory.run(instanceId);
  }
}
