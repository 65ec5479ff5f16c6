import type { Clock } from "../../../shared/core/clock.ts";
import { type BrokerError, messageNotFound } from "../amqp/errors.ts";
import type { IncomingMessage } from "../amqp/incoming-message.ts";
import { Alarm } from "../entity/alarm.ts";
import type { Delivery } from "../entity/consumer.ts";
import { Duplicates } from "../entity/duplicates.ts";
import { MessageIndex } from "../entity/message-index.ts";
import { type MessageRecord, STATE, toAnnotations } from "../entity/message-record.ts";
import { quotaRefusal } from "../entity/refusal.ts";
import type { EntitySettings } from "../entity/settings.ts";
import { effectiveTtlMs, Timetable } from "../entity/timetable.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import type { StoredEntity } from "../store/entity-store.ts";
import type { Subscription } from "./subscription.ts";

export interface TopicOptions {
  readonly path: string;
  readonly entity: StoredEntity;
  readonly settings: EntitySettings;
  readonly store: BrokerStore;
  readonly clock: Clock;
  readonly subscriptions: readonly Subscription[];
}

/**
 * Hands each message to its subscriptions. It keeps only scheduled messages, until they are due;
 * like a queue's, its results are acknowledged after the commit. Scope: one broker process.
 */
export class Topic {
  readonly path: string;
  readonly settings: EntitySettings;
  readonly subscriptions: readonly Subscription[];
  readonly #index: MessageIndex;
  readonly #timetable = new Timetable();
  readonly #alarm: Alarm;
  readonly #duplicates: Duplicates;
  readonly #store: BrokerStore;
  readonly #clock: Clock;

  constructor({ path, entity, settings, store, clock, subscriptions }: TopicOptions) {
    this.path = path;
    this.settings = settings;
    this.subscriptions = subscriptions;
    this.#duplicates = new Duplicates({ entityId: entity.id, settings, store, clock });
    this.#store = store;
    this.#clock = clock;
    this.#index = new MessageIndex(entity, store);
    this.#alarm = new Alarm(clock, () => this.#publishDue());
    for (const record of this.#index.values()) this.#timetable.add(record);
    this.#alarm.ringAt(this.#timetable.nextAt);
  }

  /** A topic's own messages are all scheduled. */
  get counts(): { active: number; deferred: number; scheduled: number } {
    return { active: 0, deferred: 0, scheduled: this.#index.count(STATE.scheduled) };
  }

  /** Bytes that count against the quota: its own and those of its subscriptions. */
  get usedBytes(): number {
    const used = this.subscriptions.map(({ queue }) => queue.usedBytes);
    return used.reduce((sum, bytes) => sum + bytes, this.#index.usedBytes);
  }

  /** Why these messages, together, cannot be accepted; undefined when they can. */
  refusal(messages: readonly IncomingMessage[]): BrokerError | undefined {
    const holders = [this, ...this.subscriptions.map(({ queue }) => queue)];
    for (const holder of holders) {
      const refusal = quotaRefusal(holder, messages);
      if (refusal) return refusal;
    }
    return undefined;
  }

  /** Publishes a message, or keeps it until it is due; undefined for a duplicate. */
  accept(message: IncomingMessage): number | undefined {
    if (!this.#duplicates.isNew(message)) return undefined;
    const now = this.#clock.now();
    if ((message.scheduledAt ?? 0) > now) return this.#keep(message);
    const sequenceNumber = this.#index.skip();
    this.#publish(message, sequenceNumber);
    return sequenceNumber;
  }

  /** Withdraws scheduled messages: all of them, or none when one is not there. */
  cancelScheduled(sequenceNumbers: readonly number[]): void {
    const records = sequenceNumbers.map((number) => {
      const record = this.#index.get(number);
      if (!record) throw messageNotFound(`No message with sequence number ${number} is scheduled.`);
      return record;
    });
    for (const record of records) this.#index.remove(record);
  }

  /** Scheduled messages from a sequence number on. */
  peek(range: { from: number; limit: number; sessionId?: string | undefined }): Delivery[] {
    return this.#index.range(range).map((record) => ({
      content: this.#index.contentOf(record),
      broker: toAnnotations(record, undefined),
      lock: undefined,
    }));
  }

  close(): void {
    this.#alarm.stop();
  }

  #keep(message: IncomingMessage): number {
    const { content, messageId, sessionId, sizeBytes, scheduledAt = 0 } = message;
    const record = this.#index.insert({
      content,
      messageId,
      sessionId,
      sizeBytes,
      enqueueSequenceNumber: undefined,
      deadLetterSource: undefined,
      ttlMs: undefined,
      state: STATE.scheduled,
      deliveryCount: 0,
      enqueuedAt: scheduledAt,
      expiresAt: undefined,
    });
    this.#store.afterCommit(() => {
      if (!record.isRemoved) this.#timetable.add(record);
      this.#alarm.ringAt(this.#timetable.nextAt);
    });
    return record.sequenceNumber;
  }

  #publishDue(): void {
    for (const record of this.#timetable.due(this.#clock.now())) {
      this.#publish(this.#asSent(record), record.sequenceNumber);
      this.#index.remove(record);
    }
    this.#alarm.ringAt(this.#timetable.nextAt);
  }

  #asSent(record: MessageRecord): IncomingMessage {
    const { messageId, sessionId, sizeBytes, enqueuedAt: scheduledAt } = record;
    const content = this.#index.contentOf(record);
    return { content, messageId, sessionId, sizeBytes, scheduledAt };
  }

  #publish(message: IncomingMessage, sequenceNumber: number): void {
    const ttlMs = effectiveTtlMs(message.content.ttlMs, this.settings.defaultTtlMs);
    const copy = { ...message, content: { ...message.content, ttlMs } };
    for (const subscription of this.subscriptions) subscription.offer(copy, sequenceNumber);
  }
}
