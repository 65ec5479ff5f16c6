import type { DatabaseSync, StatementSync } from "node:sqlite";

/** An operation that waits for its entity. */
export interface EntityMessage {
  id: number;
  operation: string;
  /** JSON text. */
  input: string | null;
  requestId: string;
  /** Who is answered; null for a signal. */
  callerId: string | null;
  callerExecutionId: string | null;
}

/** Entities and their inboxes. Scope: one engine. */
export class EntityTable {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #insertMessage: StatementSync;
  readonly #readMessages: StatementSync;
  readonly #deleteMessage: StatementSync;
  readonly #recipients: StatementSync;

  constructor(db: DatabaseSync) {
    this.#get = db.prepare("SELECT state FROM entities WHERE entityId = ?");
    this.#put = db.prepare("INSERT OR REPLACE INTO entities VALUES (?, ?)");
    this.#delete = db.prepare("DELETE FROM entities WHERE entityId = ?");
    this.#insertMessage = db.prepare(
      `INSERT INTO entity_messages (entityId, operation, input, requestId, callerId, callerExecutionId)
       VALUES (:entityId, :operation, :input, :requestId, :callerId, :callerExecutionId)`,
    );
    this.#readMessages = db.prepare(
      "SELECT * FROM entity_messages WHERE entityId = ? ORDER BY id LIMIT ?",
    );
    this.#deleteMessage = db.prepare("DELETE FROM entity_messages WHERE id = ?");
    this.#recipients = db.prepare("SELECT DISTINCT entityId FROM entity_messages");
  }

  /** JSON text of the state, null when there is none; undefined when the entity does not exist. */
  state(entityId: string): string | null | undefined {
    return this.#get.get(entityId)?.["state"] as string | null | undefined;
  }

  put(entityId: string, state: string | null): void {
    this.#put.run(entityId, state);
  }

  delete(entityId: string): void {
    this.#delete.run(entityId);
  }

  insertMessage(entityId: string, message: Omit<EntityMessage, "id">): void {
    this.#insertMessage.run({ entityId, ...message });
  }

  /** Oldest first. */
  readMessages(entityId: string, limit: number): EntityMessage[] {
    return this.#readMessages.all(entityId, limit) as unknown as EntityMessage[];
  }

  deleteMessages(messages: readonly EntityMessage[]): void {
    for (const message of messages) this.#deleteMessage.run(message.id);
  }

  /** Every entity that has a message waiting. */
  *recipients(): Iterable<string> {
    for (const row of this.#recipients.iterate()) yield String(row["entityId"]);
  }
}
