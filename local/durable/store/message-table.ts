import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type HistoryEvent, isControlEvent } from "../history-events.ts";

/** An event that waits for its instance's next episode. */
export interface Message {
  id: number;
  /** The execution it is meant for; null when it is for whichever is current. */
  executionId: string | null;
  /** JSON text of a history event. */
  event: string;
}

/** The inboxes of the instances. Scope: one engine. */
export class MessageTable {
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteAll: StatementSync;
  readonly #recipients: StatementSync;

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare(
      "INSERT INTO messages (instanceId, executionId, isUrgent, event) VALUES (?, ?, ?, ?)",
    );
    this.#read = db.prepare(
      "SELECT id, executionId, event FROM messages WHERE instanceId = ? ORDER BY isUrgent DESC, id LIMIT ?",
    );
    this.#delete = db.prepare("DELETE FROM messages WHERE id = ?");
    this.#deleteAll = db.prepare("DELETE FROM messages WHERE instanceId = ?");
    this.#recipients = db.prepare("SELECT DISTINCT instanceId FROM messages");
  }

  insert(instanceId: string, executionId: string | null, event: HistoryEvent): void {
    const isUrgent = isControlEvent(event) ? 1 : 0;
    this.#insert.run(instanceId, executionId, isUrgent, JSON.stringify(event));
  }

  /**
   * Control events first, then oldest first: what is held for a suspended instance may exceed the
   * limit, and must not hide the event that resumes it.
   */
  read(instanceId: string, limit: number): Message[] {
    return this.#read.all(instanceId, limit) as unknown as Message[];
  }

  delete(messages: readonly Message[]): void {
    for (const message of messages) this.#delete.run(message.id);
  }

  deleteAll(instanceId: string): void {
    this.#deleteAll.run(instanceId);
  }

  /** Every instance that has a message waiting. */
  *recipients(): Iterable<string> {
    for (const row of this.#recipients.iterate()) yield String(row["instanceId"]);
  }
}
