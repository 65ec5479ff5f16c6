import type { DatabaseSync } from "node:sqlite";
import type { MessageContent } from "../amqp/incoming-message.ts";
import type { MessageRecord } from "../entity/message-record.ts";
import { BODY_CACHE_BYTES } from "../limits.ts";
import { type EntityReader, EntityStore } from "./entity-store.ts";
import { GroupCommit } from "./group-commit.ts";
import { MessageStore } from "./message-store.ts";
import { openDatabase } from "./open-database.ts";

/**
 * Everything that survives a restart. Writes take effect at once within the turn's transaction, so
 * reads see them; `afterCommit` is the moment from which they may be acknowledged. Scope: one broker
 * process.
 */
export class BrokerStore {
  readonly #database: DatabaseSync;
  readonly #entities: EntityStore;
  readonly #messages: MessageStore;
  readonly #commit: GroupCommit;
  readonly #dirtySequences = new Map<number, number>();
  #cachedBytes = 0;

  constructor(dataDir: string, onFailure: (error: unknown) => void) {
    this.#database = openDatabase(dataDir);
    this.#entities = new EntityStore(this.#database);
    this.#messages = new MessageStore(this.#database);
    this.#commit = new GroupCommit(this.#database, {
      beforeCommit: () => this.#saveSequences(),
      onFailure,
    });
  }

  /** The tables of entities, for reading. */
  get entities(): EntityReader {
    return this.#entities;
  }

  /** Runs a change of entities, sessions, rules or message ids in the turn's transaction. */
  change<Result>(change: (entities: EntityStore) => Result): Result {
    return this.#write(() => change(this.#entities));
  }

  afterCommit(callback: () => void): void {
    this.#commit.afterCommit(callback);
  }

  /** Commits what is open, now. */
  flush(): void {
    this.#commit.flush();
  }

  insertMessage(entityId: number, record: MessageRecord, content: MessageContent): void {
    this.#write(() => this.#messages.insert(entityId, record, content));
    this.#cache(record, content);
  }

  /** Saves an entity's last sequence number with this turn's commit. */
  saveSequence(entityId: number, lastSequenceNumber: number): void {
    this.#commit.open();
    this.#dirtySequences.set(entityId, lastSequenceNumber);
  }

  deleteMessage(entityId: number, record: MessageRecord): void {
    this.#write(() => this.#messages.delete(entityId, record.sequenceNumber));
    this.#evict(record);
  }

  updateMessage(entityId: number, record: MessageRecord): void {
    this.#write(() => this.#messages.update(entityId, record));
  }

  replaceContent(entityId: number, record: MessageRecord, content: MessageContent): void {
    this.#write(() => this.#messages.updateTail(entityId, record.sequenceNumber, content.tail));
    this.#evict(record);
    this.#cache(record, content);
  }

  /** Bytes of message content in memory. */
  get cachedBytes(): number {
    return this.#cachedBytes;
  }

  /** A message's content, from the cache or the disk. */
  contentOf(entityId: number, record: MessageRecord): MessageContent {
    return record.content ?? this.#messages.content(entityId, record.sequenceNumber);
  }

  records(entityId: number): Iterable<MessageRecord> {
    return this.#messages.records(entityId);
  }

  sequenceNumbers(range: Parameters<MessageStore["sequenceNumbers"]>[0]): number[] {
    return this.#messages.sequenceNumbers(range);
  }

  /** Commits, moves the log into the database file and closes it. */
  close(): void {
    this.flush();
    if (!this.#database.isOpen) return;
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#database.close();
  }

  /** Closes without saving what is open: after a failed write there is nothing left to save. */
  abandon(): void {
    this.#commit.abandon();
    if (this.#database.isOpen) this.#database.close();
  }

  #write<Result>(write: () => Result): Result {
    try {
      this.#commit.open();
      return write();
    } catch (error) {
      this.#commit.fail(error);
      throw error;
    }
  }

  #saveSequences(): void {
    for (const [entityId, last] of this.#dirtySequences)
      this.#entities.saveSequence(entityId, last);
    this.#dirtySequences.clear();
  }

  #cache(record: MessageRecord, content: MessageContent): void {
    const bytes = bytesOf(content);
    if (this.#cachedBytes + bytes > BODY_CACHE_BYTES) return;
    this.#cachedBytes += bytes;
    record.content = content;
  }

  #evict(record: MessageRecord): void {
    if (!record.content) return;
    this.#cachedBytes -= bytesOf(record.content);
    record.content = undefined;
  }
}

const bytesOf = (content: MessageContent): number =>
  content.tail.length + content.annotations.length;
