import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { MessageContent } from "../amqp/incoming-message.ts";
import type { MessageRecord, MessageState } from "../entity/message-record.ts";
import { messageKey, sequenceOf } from "./schema.ts";

type Row = Record<string, SQLOutputValue>;

const FACTS = `key, state, delivery_count, enqueued_at, expires_at, ttl_ms, message_id, session_id,
  size_bytes, enqueue_sequence, dead_letter_source`;
const CONTENT = "durable, priority, client_ttl_ms, annotations, tail";

/** Which of an entity's messages to read, in sequence order. */
export interface MessageRange {
  readonly entityId: number;
  readonly fromSequenceNumber: number;
  readonly limit: number;
  readonly sessionId?: string | undefined;
}

/** The table of messages. Scope: one broker process. */
export class MessageStore {
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #update: StatementSync;
  readonly #updateTail: StatementSync;
  readonly #content: StatementSync;
  readonly #range: StatementSync;
  readonly #sessionRange: StatementSync;
  readonly #records: StatementSync;

  constructor(database: DatabaseSync) {
    const inEntity = "FROM messages WHERE key >= ? AND key < ?";
    this.#insert = database.prepare(
      `INSERT INTO messages (${FACTS}, ${CONTENT}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
    );
    this.#delete = database.prepare("DELETE FROM messages WHERE key = ?");
    this.#update = database.prepare(
      "UPDATE messages SET state = ?, delivery_count = ?, enqueued_at = ?, expires_at = ? WHERE key = ?",
    );
    this.#updateTail = database.prepare("UPDATE messages SET tail = ? WHERE key = ?");
    this.#content = database.prepare(`SELECT ${CONTENT} FROM messages WHERE key = ?`);
    this.#range = database.prepare(`SELECT key ${inEntity} ORDER BY key LIMIT ?`);
    this.#sessionRange = database.prepare(
      `SELECT key ${inEntity} AND session_id = ? ORDER BY key LIMIT ?`,
    );
    this.#records = database.prepare(`SELECT ${FACTS} ${inEntity} ORDER BY key`);
  }

  insert(entityId: number, record: MessageRecord, content: MessageContent): void {
    this.#insert.run(
      messageKey(entityId, record.sequenceNumber),
      record.state,
      record.deliveryCount,
      record.enqueuedAt,
      record.expiresAt ?? null,
      record.ttlMs ?? null,
      record.messageId,
      record.sessionId ?? null,
      record.sizeBytes,
      record.enqueueSequenceNumber ?? null,
      record.deadLetterSource ?? null,
      content.durable ? 1 : 0,
      content.priority,
      content.ttlMs ?? null,
      content.annotations,
      content.tail,
    );
  }

  delete(entityId: number, sequenceNumber: number): void {
    this.#delete.run(messageKey(entityId, sequenceNumber));
  }

  /** Writes what changes in a message's life: state, delivery count, enqueued and expiry time. */
  update(entityId: number, record: MessageRecord): void {
    const { state, deliveryCount, enqueuedAt, expiresAt } = record;
    const key = messageKey(entityId, record.sequenceNumber);
    this.#update.run(state, deliveryCount, enqueuedAt, expiresAt ?? null, key);
  }

  updateTail(entityId: number, sequenceNumber: number, tail: Buffer): void {
    this.#updateTail.run(tail, messageKey(entityId, sequenceNumber));
  }

  /** The content of a message that the body cache does not hold. */
  content(entityId: number, sequenceNumber: number): MessageContent {
    const row = this.#content.get(messageKey(entityId, sequenceNumber));
    if (!row) throw new Error(`Message ${sequenceNumber} is in the index but not in the store.`);
    return {
      durable: row["durable"] === 1,
      priority: Number(row["priority"]),
      ttlMs: optionalNumber(row["client_ttl_ms"]),
      annotations: asBuffer(row["annotations"]),
      tail: asBuffer(row["tail"]),
    };
  }

  /** The sequence numbers of a range of messages. */
  sequenceNumbers({ entityId, fromSequenceNumber, limit, sessionId }: MessageRange): number[] {
    const from = messageKey(entityId, Math.max(0, fromSequenceNumber));
    const end = messageKey(entityId + 1, 0);
    const rows =
      sessionId === undefined
        ? this.#range.all(from, end, limit)
        : this.#sessionRange.all(from, end, sessionId, limit);
    return rows.map((row) => sequenceOf(Number(row["key"])));
  }

  /** Every message of an entity, without its content: the index that a start rebuilds. */
  *records(entityId: number): Generator<MessageRecord> {
    const end = messageKey(entityId + 1, 0);
    for (const row of this.#records.iterate(messageKey(entityId, 0), end)) yield toRecord(row);
  }
}

function toRecord(row: Row): MessageRecord {
  return {
    sequenceNumber: sequenceOf(Number(row["key"])),
    messageId: String(row["message_id"]),
    sessionId: row["session_id"] === null ? undefined : String(row["session_id"]),
    sizeBytes: Number(row["size_bytes"]),
    enqueueSequenceNumber: optionalNumber(row["enqueue_sequence"]),
    deadLetterSource:
      row["dead_letter_source"] === null ? undefined : String(row["dead_letter_source"]),
    ttlMs: optionalNumber(row["ttl_ms"]),
    state: Number(row["state"]) as MessageState,
    deliveryCount: Number(row["delivery_count"]),
    enqueuedAt: Number(row["enqueued_at"]),
    expiresAt: optionalNumber(row["expires_at"]),
    content: undefined,
    lock: undefined,
    isRemoved: false,
  };
}

const optionalNumber = (value: SQLOutputValue | undefined): number | undefined =>
  value === null || value === undefined ? undefined : Number(value);

function asBuffer(value: SQLOutputValue | undefined): Buffer {
  if (!(value instanceof Uint8Array)) throw new Error("A message's content is not binary.");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
