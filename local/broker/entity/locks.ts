import type { MessageRecord } from "./message-record.ts";
import type { SessionLock } from "./session-lock.ts";

/** A peek-lock on one message. */
export interface MessageLock {
  readonly token: string;
  readonly record: MessageRecord;
  /** Set for messages of a session: then the session's lock is what counts. */
  readonly session: SessionLock | undefined;
  lockedUntil: number;
  /** Told when the lock ends in any way, so that a link forgets the delivery. */
  onEnd: (() => void) | undefined;
}

/**
 * The peek-locks of one entity. All last equally long, so insertion order is the order of expiry
 * and a renewal moves a lock to the end. Scope: one broker process.
 */
export class LockTable {
  readonly #locks = new Map<string, MessageLock>();

  get size(): number {
    return this.#locks.size;
  }

  /** When the next lock expires. */
  get nextExpiryAt(): number | undefined {
    for (const lock of this.#locks.values()) return lock.lockedUntil;
    return undefined;
  }

  add(lock: MessageLock): void {
    this.#locks.set(lock.token, lock);
  }

  get(token: string): MessageLock | undefined {
    return this.#locks.get(token);
  }

  remove(lock: MessageLock): void {
    this.#locks.delete(lock.token);
  }

  renew(lock: MessageLock, lockedUntil: number): void {
    lock.lockedUntil = lockedUntil;
    this.#locks.delete(lock.token);
    this.#locks.set(lock.token, lock);
  }

  /** The locks whose time is over. */
  *expired(now: number): Generator<MessageLock> {
    for (const lock of this.#locks.values()) {
      if (lock.lockedUntil > now) return;
      yield lock;
    }
  }
}
