import type { DatabaseSync, StatementSync } from "node:sqlite";

/** An entity as the store knows it. */
export interface StoredEntity {
  readonly id: number;
  readonly key: string;
  readonly kind: EntityKind;
  readonly requiresSession: boolean;
  readonly requiresDuplicateDetection: boolean;
  readonly lastSequenceNumber: number;
}

export type EntityKind = "queue" | "topic" | "subscription" | "deadLetter";

/** What may be read outside of a transaction. */
export type EntityReader = Pick<
  EntityStore,
  "list" | "sessionState" | "sessionsWithState" | "rules"
>;

/** The tables of entities, their seen message ids, session states and rules. Scope: one process. */
export class EntityStore {
  readonly #database: DatabaseSync;
  readonly #saveSequence: StatementSync;
  readonly #rememberId: StatementSync;
  readonly #forgetIds: StatementSync;
  readonly #getSession: StatementSync;
  readonly #setSession: StatementSync;
  readonly #deleteSession: StatementSync;
  readonly #listSessions: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#saveSequence = database.prepare("UPDATE entities SET last_sequence = ? WHERE id = ?");
    // Inserts, or takes over an id whose window is past; otherwise nothing changes: a duplicate.
    this.#rememberId = database.prepare(
      `INSERT INTO message_ids (entity_id, message_id, expires_at) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at WHERE expires_at <= ?`,
    );
    this.#forgetIds = database.prepare("DELETE FROM message_ids WHERE expires_at <= ?");
    this.#getSession = database.prepare(
      "SELECT state FROM sessions WHERE entity_id = ? AND session_id = ?",
    );
    this.#setSession = database.prepare(
      `INSERT INTO sessions (entity_id, session_id, state, updated_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`,
    );
    this.#deleteSession = database.prepare(
      "DELETE FROM sessions WHERE entity_id = ? AND session_id = ?",
    );
    this.#listSessions = database.prepare(
      "SELECT session_id FROM sessions WHERE entity_id = ? AND updated_at > ? ORDER BY session_id",
    );
  }

  list(): StoredEntity[] {
    const rows = this.#database.prepare("SELECT * FROM entities ORDER BY id").all();
    return rows.map((row) => ({
      id: Number(row["id"]),
      key: String(row["key"]),
      kind: String(row["kind"]) as EntityKind,
      requiresSession: row["requires_session"] === 1,
      requiresDuplicateDetection: row["requires_duplicate_detection"] === 1,
      lastSequenceNumber: Number(row["last_sequence"]),
    }));
  }

  create(entity: Omit<StoredEntity, "id" | "lastSequenceNumber">): StoredEntity {
    const { key, kind, requiresSession, requiresDuplicateDetection } = entity;
    const flags = [requiresSession ? 1 : 0, requiresDuplicateDetection ? 1 : 0] as const;
    const result = this.#database
      .prepare(
        `INSERT INTO entities (key, kind, requires_session, requires_duplicate_detection)
         VALUES (?, ?, ?, ?)`,
      )
      .run(key, kind, ...flags);
    return { ...entity, id: Number(result.lastInsertRowid), lastSequenceNumber: 0 };
  }

  /** Removes an entity and what belongs to it, but for its messages. */
  remove(entityId: number): void {
    for (const table of ["message_ids", "sessions", "rules"]) {
      this.#database.prepare(`DELETE FROM ${table} WHERE entity_id = ?`).run(entityId);
    }
    this.#database.prepare("DELETE FROM entities WHERE id = ?").run(entityId);
  }

  saveSequence(entityId: number, lastSequenceNumber: number): void {
    this.#saveSequence.run(lastSequenceNumber, entityId);
  }

  /** Remembers a message id; false when it was seen within its window. */
  rememberId(seen: {
    entityId: number;
    messageId: string;
    now: number;
    expiresAt: number;
  }): boolean {
    const { entityId, messageId, now, expiresAt } = seen;
    return this.#rememberId.run(entityId, messageId, expiresAt, now).changes === 1;
  }

  /** Forgets message ids whose window is past. */
  forgetIds(now: number): void {
    this.#forgetIds.run(now);
  }

  sessionState(entityId: number, sessionId: string): Buffer | undefined {
    const state = this.#getSession.get(entityId, sessionId)?.["state"];
    return state instanceof Uint8Array ? Buffer.from(state) : undefined;
  }

  setSessionState(session: {
    entityId: number;
    sessionId: string;
    state: Buffer | undefined;
    now: number;
  }): void {
    const { entityId, sessionId, state, now } = session;
    if (state) this.#setSession.run(entityId, sessionId, state, now);
    else this.#deleteSession.run(entityId, sessionId);
  }

  /** Sessions whose state changed after `updatedAfter`. */
  sessionsWithState(entityId: number, updatedAfter: number): string[] {
    const rows = this.#listSessions.all(entityId, updatedAfter);
    return rows.map((row) => String(row["session_id"]));
  }

  rules(entityId: number): { name: string; description: Buffer }[] {
    const rows = this.#database
      .prepare("SELECT name, description FROM rules WHERE entity_id = ? ORDER BY name")
      .all(entityId);
    return rows.map((row) => ({
      name: String(row["name"]),
      description: Buffer.from(row["description"] as Uint8Array),
    }));
  }

  addRule(entityId: number, rule: { name: string; description: Buffer }): void {
    this.#database
      .prepare("INSERT INTO rules (entity_id, name, description) VALUES (?, ?, ?)")
      .run(entityId, rule.name, rule.description);
  }

  removeRule(entityId: number, name: string): void {
    this.#database
      .prepare("DELETE FROM rules WHERE entity_id = ? AND name = ?")
      .run(entityId, name);
  }
}
