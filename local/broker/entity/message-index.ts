import type { IncomingMessage, MessageContent } from "../amqp/incoming-message.ts";
import { INDEX_ENTRY_BYTES, MAX_PEEK_BYTES } from "../limits.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import type { StoredEntity } from "../store/entity-store.ts";
import { type MessageRecord, type MessageState, STATE } from "./message-record.ts";

/** A message about to get its sequence number. */
export interface NewMessage
  extends Omit<MessageRecord, "sequenceNumber" | "content" | "lock" | "isRemoved"> {
  readonly content: MessageContent;
}

/** What may change in a stored message's life. */
export type RecordChange = Partial<
  Pick<MessageRecord, "state" | "deliveryCount" | "enqueuedAt" | "expiresAt">
>;

/**
 * The messages of one entity: an index in memory over the rows in the store. Every change goes to
 * both. Scope: one broker process.
 */
export class MessageIndex {
  readonly #entityId: number;
  readonly #store: BrokerStore;
  readonly #records = new Map<number, MessageRecord>();
  readonly #counts: Record<MessageState, number> = {
    [STATE.active]: 0,
    [STATE.deferred]: 0,
    [STATE.scheduled]: 0,
  };
  #lastSequenceNumber: number;
  #usedBytes = 0;

  constructor(entity: StoredEntity, store: BrokerStore) {
    this.#entityId = entity.id;
    this.#store = store;
    this.#lastSequenceNumber = entity.lastSequenceNumber;
    for (const record of store.records(entity.id)) this.#count(record);
  }

  /** How many messages are in a state, locked ones included. */
  count(state: MessageState): number {
    return this.#counts[state];
  }

  /** Bytes that count against the entity's quota. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  get(sequenceNumber: number): MessageRecord | undefined {
    return this.#records.get(sequenceNumber);
  }

  values(): Iterable<MessageRecord> {
    return this.#records.values();
  }

  contentOf(record: MessageRecord): MessageContent {
    return this.#store.contentOf(this.#entityId, record);
  }

  /** Takes the next sequence number for a message that is not kept here. */
  skip(): number {
    this.#lastSequenceNumber += 1;
    this.#store.saveSequence(this.#entityId, this.#lastSequenceNumber);
    return this.#lastSequenceNumber;
  }

  insert({ content, ...facts }: NewMessage): MessageRecord {
    const record: MessageRecord = {
      ...facts,
      sequenceNumber: this.skip(),
      content: undefined,
      lock: undefined,
      isRemoved: false,
    };
    this.#store.insertMessage(this.#entityId, record, content);
    this.#count(record);
    return record;
  }

  remove(record: MessageRecord): void {
    record.isRemoved = true;
    this.#store.deleteMessage(this.#entityId, record);
    this.#records.delete(record.sequenceNumber);
    this.#counts[record.state] -= 1;
    this.#usedBytes -= quotaBytes(record);
  }

  update(record: MessageRecord, change: RecordChange): void {
    this.#counts[record.state] -= 1;
    Object.assign(record, change);
    this.#counts[record.state] += 1;
    this.#store.updateMessage(this.#entityId, record);
  }

  replaceContent(record: MessageRecord, content: MessageContent): void {
    this.#store.replaceContent(this.#entityId, record, content);
  }

  /**
   * Messages from a sequence number on, in order; of one session when one is named. Fewer than
   * `limit` when they are large, but at least one.
   */
  range(range: { from: number; limit: number; sessionId?: string | undefined }): MessageRecord[] {
    const { from, limit, sessionId } = range;
    const entityId = this.#entityId;
    let bytes = 0;
    return this.#store
      .sequenceNumbers({ entityId, fromSequenceNumber: from, limit, sessionId })
      .flatMap((sequenceNumber) => this.#records.get(sequenceNumber) ?? [])
      .filter(({ sizeBytes }, index) => {
        bytes += sizeBytes;
        return index === 0 || bytes <= MAX_PEEK_BYTES;
      });
  }

  #count(record: MessageRecord): void {
    this.#records.set(record.sequenceNumber, record);
    this.#counts[record.state] += 1;
    this.#usedBytes += quotaBytes(record);
  }
}

/** What a message of this size takes from an entity's quota. */
export const quotaBytes = (message: Pick<IncomingMessage, "sizeBytes">): number =>
  message.sizeBytes + INDEX_ENTRY_BYTES;
