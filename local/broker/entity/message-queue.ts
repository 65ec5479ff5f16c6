import type { Clock } from "../../../shared/core/clock.ts";
import { type BrokerError, messageNotFound } from "../amqp/errors.ts";
import type { IncomingMessage, MessageContent } from "../amqp/incoming-message.ts";
import type { BrokerStore } from "../store/broker-store.ts";
import type { StoredEntity } from "../store/entity-store.ts";
import { Alarm } from "./alarm.ts";
import type { Consumer, Delivery } from "./consumer.ts";
import { type DeadLetterReason, EXPIRED, SESSION_ID_MISSING, withReason } from "./dead-letter.ts";
import { Duplicates } from "./duplicates.ts";
import { MessageIndex } from "./message-index.ts";
import { type MessageRecord, STATE, toAnnotations } from "./message-record.ts";
import { PlainDispatcher } from "./plain-dispatcher.ts";
import { quotaRefusal, sessionRefusal } from "./refusal.ts";
import { SessionDispatcher } from "./session-dispatcher.ts";
import type { SessionLock } from "./session-lock.ts";
import { SessionStates } from "./session-states.ts";
import type { EntitySettings } from "./settings.ts";
import { Settlement } from "./settlement.ts";
import { effectiveTtlMs, expiryOf, Timetable } from "./timetable.ts";

export interface MessageQueueOptions {
  readonly path: string;
  readonly entity: StoredEntity;
  readonly settings: EntitySettings;
  readonly store: BrokerStore;
  readonly clock: Clock;
  /** Where dead letters go; absent in a dead-letter queue itself. */
  readonly deadLetterQueue?: MessageQueue;
}

/**
 * The messages of a queue, a subscription or a dead-letter queue: who may have which, and when.
 * Knows no AMQP links; whoever acknowledges one of its results waits for the store's commit.
 * Scope: one broker process.
 */
export class MessageQueue {
  readonly path: string;
  readonly settings: EntitySettings;
  readonly deadLetterQueue: MessageQueue | undefined;
  readonly settlement: Settlement;
  /** Set for entities with sessions, which have no plain consumers. */
  readonly sessions: SessionDispatcher | undefined;
  readonly sessionStates: SessionStates;
  readonly #plain: PlainDispatcher;
  readonly #index: MessageIndex;
  readonly #duplicates: Duplicates;
  readonly #store: BrokerStore;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #timetable = new Timetable();

  constructor({ path, entity, settings, store, clock, deadLetterQueue }: MessageQueueOptions) {
    this.path = path;
    this.settings = settings;
    this.deadLetterQueue = deadLetterQueue;
    this.#duplicates = new Duplicates({ entityId: entity.id, settings, store, clock });
    this.#store = store;
    this.#clock = clock;
    this.#index = new MessageIndex(entity, store);
    this.#alarm = new Alarm(clock, () => this.#ring());
    const host = this.#host();
    this.settlement = new Settlement(host);
    this.#plain = new PlainDispatcher({ ...host, hand: (record, to) => this.#hand(record, to) });
    this.sessionStates = new SessionStates({ entityId: entity.id, store, clock });
    if (settings.requiresSession) {
      const hand = (record: MessageRecord, lock: SessionLock): void =>
        this.#hand(record, lock.consumer, lock);
      this.sessions = new SessionDispatcher({ ...host, hand });
    }
    for (const record of this.#index.values()) this.#watch(record);
    this.#arm();
  }

  /** How many messages are active, deferred and scheduled; locked ones count as active. */
  get counts(): { active: number; deferred: number; scheduled: number } {
    const { active, deferred, scheduled } = STATE;
    const count = this.#index.count.bind(this.#index);
    return { active: count(active), deferred: count(deferred), scheduled: count(scheduled) };
  }

  /** Bytes that count against the quota, dead letters included. */
  get usedBytes(): number {
    return this.#index.usedBytes + (this.deadLetterQueue?.usedBytes ?? 0);
  }

  /** Why these messages, together, cannot be accepted; undefined when they can. */
  refusal(messages: readonly IncomingMessage[]): BrokerError | undefined {
    return sessionRefusal(this, messages) ?? quotaRefusal(this, messages);
  }

  /** Stores a message; returns its sequence number, or undefined for a duplicate. */
  accept(message: IncomingMessage): number | undefined {
    if (!this.#duplicates.isNew(message)) return undefined;
    const record = this.#insert(message, undefined);
    this.#watchAfterCommit(record);
    return record.sequenceNumber;
  }

  /** Stores a copy of a topic's message; one that lacks a needed session id is dead-lettered. */
  acceptCopy(message: IncomingMessage, enqueueSequenceNumber: number): void {
    const record = this.#insert(message, enqueueSequenceNumber);
    const isMisfit = this.settings.requiresSession && message.sessionId === undefined;
    if (isMisfit) this.#deadLetter(record, SESSION_ID_MISSING);
    else this.#watchAfterCommit(record);
  }

  /** Withdraws scheduled messages: all of them, or none when one is not there. */
  cancelScheduled(sequenceNumbers: readonly number[]): void {
    const records = sequenceNumbers.map((number) => this.#inState(number, STATE.scheduled));
    for (const record of records) this.#index.remove(record);
  }

  addConsumer(consumer: Consumer): void {
    this.#plain.add(consumer);
  }

  removeConsumer(consumer: Consumer): void {
    this.#plain.remove(consumer);
  }

  /** Delivers to plain consumers as far as their credit goes. */
  pump(): void {
    this.#plain.pump();
    this.#arm();
  }

  /** Messages from a sequence number on, whatever their state, without locking them. */
  peek(range: { from: number; limit: number; sessionId?: string | undefined }): Delivery[] {
    return this.#index.range(range).map((record) => this.#delivery(record, undefined));
  }

  /** Takes deferred messages by number: all of them, or none when one is not there. */
  receiveDeferred(
    sequenceNumbers: readonly number[],
    options: { settleMode: Consumer["settleMode"]; session?: SessionLock | undefined },
  ): Delivery[] {
    const { session, settleMode } = options;
    const records = sequenceNumbers.map((number) => this.#inState(number, STATE.deferred));
    if (
      records.some(({ lock, sessionId }) => lock || (session && sessionId !== session.sessionId))
    ) {
      throw messageNotFound("A message is locked by another receiver or is in another session.");
    }
    const deliveries = records.map((record) => this.#take(record, settleMode, session));
    this.#arm();
    return deliveries;
  }

  /** Stops its timer; locks are void with the process. */
  close(): void {
    this.#alarm.stop();
  }

  #host() {
    return {
      index: this.#index,
      settings: this.settings,
      lockDurationMs: this.settings.lockDurationMs,
      now: () => this.#clock.now(),
      free: (record: MessageRecord) => this.#watchAfterCommit(record),
      deadLetter: (record: MessageRecord, why: DeadLetterReason) => this.#deadLetter(record, why),
      expireIfDue: (record: MessageRecord) => this.#expireIfDue(record),
      releaseMessages: (lock: SessionLock) => this.settlement.releaseSession(lock),
    };
  }

  #insert(message: IncomingMessage, enqueueSequenceNumber: number | undefined): MessageRecord {
    const now = this.#clock.now();
    const { content, messageId, sessionId, sizeBytes, scheduledAt = 0 } = message;
    const ttlMs = effectiveTtlMs(content.ttlMs, this.settings.defaultTtlMs);
    const isScheduled = scheduledAt > now;
    return this.#index.insert({
      content,
      messageId,
      sessionId,
      sizeBytes,
      enqueueSequenceNumber,
      deadLetterSource: undefined,
      ttlMs,
      state: isScheduled ? STATE.scheduled : STATE.active,
      deliveryCount: 0,
      enqueuedAt: isScheduled ? scheduledAt : now,
      expiresAt: isScheduled ? undefined : expiryOf(ttlMs, now),
    });
  }

  #inState(sequenceNumber: number, state: MessageRecord["state"]): MessageRecord {
    const record = this.#index.get(sequenceNumber);
    if (record?.state === state) return record;
    throw messageNotFound(`There is no such message with sequence number ${sequenceNumber}.`);
  }

  #watchAfterCommit(record: MessageRecord): void {
    this.#store.afterCommit(() => {
      this.#watch(record);
      this.sessions?.pump();
      this.pump();
    });
  }

  /** Puts a message where it waits: for its time, or for a consumer. */
  #watch(record: MessageRecord): void {
    if (record.isRemoved) return;
    if (record.state === STATE.active && this.#expireIfDue(record)) return;
    this.#timetable.add(record);
    if (record.state === STATE.active) (this.sessions ?? this.#plain).offer(record);
  }

  #hand(record: MessageRecord, consumer: Consumer, session?: SessionLock): void {
    const delivery = this.#take(record, consumer.settleMode, session);
    // What is received and deleted must not come again after a crash, so it leaves after the commit.
    if (delivery.lock) consumer.deliver(delivery);
    else this.#store.afterCommit(() => consumer.deliver(delivery));
  }

  #take(
    record: MessageRecord,
    settleMode: Consumer["settleMode"],
    session: SessionLock | undefined,
  ): Delivery {
    if (settleMode === "peekLock") {
      return this.#delivery(record, this.settlement.lock(record, session));
    }
    const delivery = this.#delivery(record, undefined);
    this.#index.remove(record);
    return delivery;
  }

  #delivery(record: MessageRecord, lock: Delivery["lock"]): Delivery {
    const content = this.#index.contentOf(record);
    return { content, broker: toAnnotations(record, lock?.lockedUntil), lock };
  }

  #expireIfDue(record: MessageRecord): boolean {
    if (record.expiresAt === undefined || record.expiresAt > this.#clock.now()) return false;
    if (!this.settings.deadLetteringOnMessageExpiration || !this.#deadLetter(record, EXPIRED)) {
      this.#index.remove(record);
    }
    return true;
  }

  #deadLetter(record: MessageRecord, why: DeadLetterReason): boolean {
    if (!this.deadLetterQueue) return false;
    const content = withReason(this.#index.contentOf(record), why);
    this.deadLetterQueue.#acceptDeadLetter(record, content, this.path);
    this.#index.remove(record);
    return true;
  }

  #acceptDeadLetter(record: MessageRecord, content: MessageContent, source: string): void {
    const copy = this.#index.insert({
      ...record,
      content,
      enqueueSequenceNumber: record.enqueueSequenceNumber ?? record.sequenceNumber,
      deadLetterSource: source,
      ttlMs: undefined,
      expiresAt: undefined,
      state: STATE.active,
    });
    this.#watchAfterCommit(copy);
  }

  #ring(): void {
    const now = this.#clock.now();
    for (const record of this.#timetable.due(now)) {
      const expiresAt = expiryOf(record.ttlMs, record.enqueuedAt);
      this.#index.update(record, { state: STATE.active, expiresAt });
      this.#watchAfterCommit(record);
    }
    this.settlement.expire(now);
    this.sessions?.expire(now);
    for (const record of this.#timetable.expired(now)) this.#expireIfDue(record);
    this.#arm();
  }

  #arm(): void {
    this.#alarm.ringAt(this.settlement.nextExpiryAt);
    this.#alarm.ringAt(this.sessions?.nextExpiryAt);
    this.#alarm.ringAt(this.#timetable.nextAt);
  }
}
