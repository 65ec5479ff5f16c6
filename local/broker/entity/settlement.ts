import { randomUUID } from "node:crypto";
import { type PropertyEntries, setApplicationProperties } from "../amqp/application-properties.ts";
import { messageLockLost, notAllowed, sessionLockLost } from "../amqp/errors.ts";
import { type DeadLetterReason, deliveriesExceeded } from "./dead-letter.ts";
import type { Disposition } from "./disposition.ts";
import { LockTable, type MessageLock } from "./locks.ts";
import type { MessageIndex } from "./message-index.ts";
import { type MessageRecord, STATE } from "./message-record.ts";
import type { SessionLock } from "./session-lock.ts";
import type { EntitySettings } from "./settings.ts";

/** What settling needs of its queue. */
export interface SettlementHost {
  readonly index: MessageIndex;
  readonly settings: EntitySettings;
  now(): number;
  /** Makes a message available again, once what was written about it is safe. */
  free(record: MessageRecord): void;
  /** Moves a message to the dead-letter queue; false when the queue is one itself. */
  deadLetter(record: MessageRecord, why: DeadLetterReason): boolean;
}

/**
 * Locks on messages and how they end. A call on a lock that is lost throws the protocol's error.
 * Scope: one broker process.
 */
export class Settlement {
  readonly #host: SettlementHost;
  readonly #locks = new LockTable();

  constructor(host: SettlementHost) {
    this.#host = host;
  }

  get nextExpiryAt(): number | undefined {
    return this.#locks.nextExpiryAt;
  }

  /** Locks a message for whoever it is delivered to next. */
  lock(record: MessageRecord, session?: SessionLock): MessageLock {
    const lockedUntil =
      session?.lockedUntil ?? this.#host.now() + this.#host.settings.lockDurationMs;
    const lock = { token: randomUUID(), record, session, lockedUntil, onEnd: undefined };
    record.lock = lock;
    if (session) session.messages.set(lock.token, lock);
    else this.#locks.add(lock);
    return lock;
  }

  /** The lock with this token, among those of one session when one is given. */
  find(token: string, session?: SessionLock): MessageLock {
    const lock = session ? session.messages.get(token) : this.#locks.get(token);
    if (!lock) throw messageLockLost();
    return lock;
  }

  /** Does what the receiver decided; the lock is over then. */
  settle(lock: MessageLock, disposition: Disposition): void {
    this.#check(lock);
    const { record } = lock;
    switch (disposition.kind) {
      case "complete":
        this.#forget(lock);
        this.#host.index.remove(record);
        return;
      case "release":
        this.#forget(lock);
        this.#host.free(record);
        return;
      case "abandon":
        this.#forget(lock);
        this.#modify(record, disposition.properties);
        this.#countAttempt(record);
        return;
      case "defer":
        this.#forget(lock);
        this.#modify(record, disposition.properties);
        this.#host.index.update(record, { state: STATE.deferred });
        return;
      case "deadLetter":
        this.#deadLetter(lock, disposition.why);
    }
  }

  /** Gives a lock its full time again; returns when it now ends. */
  renew(lock: MessageLock): number {
    this.#check(lock);
    this.#locks.renew(lock, this.#host.now() + this.#host.settings.lockDurationMs);
    return lock.lockedUntil;
  }

  /** Ends the locks whose time is over: each was a failed delivery. */
  expire(now: number): void {
    for (const lock of this.#locks.expired(now)) this.#fail(lock);
  }

  /** Ends the locks that a session's holder left. */
  releaseSession(session: SessionLock): void {
    for (const lock of session.messages.values()) this.#fail(lock);
  }

  #fail(lock: MessageLock): void {
    this.#forget(lock);
    this.#countAttempt(lock.record);
  }

  #countAttempt(record: MessageRecord): void {
    const { index, settings } = this.#host;
    const deliveryCount = record.deliveryCount + 1;
    index.update(record, { deliveryCount });
    if (deliveryCount >= settings.maxDeliveryCount) {
      if (this.#host.deadLetter(record, deliveriesExceeded(deliveryCount))) return;
    }
    this.#host.free(record);
  }

  #modify(record: MessageRecord, properties: PropertyEntries): void {
    if (properties.length === 0) return;
    const content = this.#host.index.contentOf(record);
    const tail = setApplicationProperties(content.tail, properties);
    this.#host.index.replaceContent(record, { ...content, tail });
  }

  #deadLetter(lock: MessageLock, why: DeadLetterReason): void {
    if (!this.#host.deadLetter(lock.record, why)) {
      throw notAllowed("A message in a dead-letter queue cannot be dead-lettered again.");
    }
    this.#forget(lock);
  }

  // The alarm may ring late: what counts is the time, not whether the lock is still in the table.
  #check(lock: MessageLock): void {
    const { session } = lock;
    if (session && !(session.isHeld && session.lockedUntil > this.#host.now())) {
      throw sessionLockLost(session.sessionId);
    }
    const isTimely = session !== undefined || lock.lockedUntil > this.#host.now();
    if (lock.record.lock !== lock || !isTimely) throw messageLockLost();
  }

  #forget(lock: MessageLock): void {
    lock.record.lock = undefined;
    if (lock.session) lock.session.messages.delete(lock.token);
    else this.#locks.remove(lock);
    lock.onEnd?.();
  }
}
