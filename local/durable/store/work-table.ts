import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Something to run outside of the orchestrator: an activity, or an HTTP call. */
export interface WorkItem {
  id: number;
  instanceId: string;
  executionId: string;
  taskId: number;
  kind: "activity" | "http";
  name: string;
  /** JSON text. */
  input: string | null;
}

/** Work that has not been finished. Scope: one engine. */
export class WorkTable {
  readonly #insert: StatementSync;
  readonly #after: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteAll: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      "INSERT INTO work (instanceId, executionId, taskId, kind, name, input) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#after = db.prepare("SELECT * FROM work WHERE id > ? ORDER BY id LIMIT ?");
    this.#delete = db.prepare("DELETE FROM work WHERE id = ?");
    this.#deleteAll = db.prepare("DELETE FROM work WHERE instanceId = ?");
  }

  insert(item: Omit<WorkItem, "id">): void {
    const { instanceId, executionId, taskId, kind, name, input } = item;
    this.#insert.run(instanceId, executionId, taskId, kind, name, input);
  }

  /** Items with a higher id, oldest first. */
  after(id: number, limit: number): WorkItem[] {
    return this.#after.all(id, limit) as unknown as WorkItem[];
  }

  /** False when it was finished, or purged, before. */
  delete(id: number): boolean {
    return this.#delete.run(id).changes > 0;
  }

  deleteAll(instanceId: string): void {
    this.#deleteAll.run(instanceId);
  }
}
