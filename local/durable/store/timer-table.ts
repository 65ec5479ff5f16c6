import type { DatabaseSync, StatementSync } from "node:sqlite";

/** A durable timer that has not fired. */
export interface TimerRow {
  instanceId: string;
  taskId: number;
  executionId: string;
  fireAt: number;
}

/** Durable timers. Scope: one engine. */
export class TimerTable {
  readonly #insert: StatementSync;
  readonly #due: StatementSync;
  readonly #next: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteAll: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      "INSERT INTO timers VALUES (:instanceId, :taskId, :executionId, :fireAt)",
    );
    this.#due = db.prepare("SELECT * FROM timers WHERE fireAt <= ? ORDER BY fireAt LIMIT ?");
    this.#next = db.prepare("SELECT min(fireAt) AS fireAt FROM timers");
    this.#delete = db.prepare("DELETE FROM timers WHERE instanceId = ? AND taskId = ?");
    this.#deleteAll = db.prepare("DELETE FROM timers WHERE instanceId = ?");
  }

  insert(timer: TimerRow): void {
    this.#insert.run({ ...timer });
  }

  /** Earliest first. */
  due(atMs: number, limit: number): TimerRow[] {
    return this.#due.all(atMs, limit) as unknown as TimerRow[];
  }

  /** When the next timer is due; infinity when there is none. */
  nextDueAt(): number {
    return (this.#next.get()?.["fireAt"] as number | null) ?? Number.POSITIVE_INFINITY;
  }

  /** False when it was cancelled, or fired, before. */
  delete(instanceId: string, taskId: number): boolean {
    return this.#delete.run(instanceId, taskId).changes > 0;
  }

  deleteAll(instanceId: string): void {
    this.#deleteAll.run(instanceId);
  }
}
