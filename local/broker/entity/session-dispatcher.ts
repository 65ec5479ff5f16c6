import { sessionLockLost } from "../amqp/errors.ts";
import type { SessionConsumer } from "./consumer.ts";
import { LazyHeap } from "./lazy-heap.ts";
import { isReady, type MessageRecord } from "./message-record.ts";
import type { DispatchTarget } from "./plain-dispatcher.ts";
import type { SessionLock } from "./session-lock.ts";

interface Session {
  readonly id: string;
  readonly ready: LazyHeap<MessageRecord>;
  lock: SessionLock | undefined;
}

interface Waiter {
  readonly consumer: SessionConsumer;
  readonly onGranted: (lock: SessionLock) => void;
}

/** What sessions need of their queue. */
export interface SessionHost extends DispatchTarget<SessionLock> {
  now(): number;
  readonly lockDurationMs: number;
  /** The messages that the session's holder had are free again. */
  releaseMessages(lock: SessionLock): void;
}

/**
 * Gives each session's messages, in order, to the one consumer that holds it. Scope: one broker
 * process.
 */
export class SessionDispatcher {
  readonly #host: SessionHost;
  readonly #sessions = new Map<string, Session>();
  /** Sessions with messages and without holder, longest waiting first. */
  readonly #available = new Set<Session>();
  /** Held sessions in order of expiry: all locks last equally long. */
  readonly #held = new Map<SessionLock, Session>();
  readonly #waiters = new Set<Waiter>();
  /** Held sessions that were offered messages since the last pump. */
  readonly #stirred = new Set<Session>();

  constructor(host: SessionHost) {
    this.#host = host;
  }

  get nextExpiryAt(): number | undefined {
    for (const lock of this.#held.keys()) return lock.lockedUntil;
    return undefined;
  }

  offer(record: MessageRecord): void {
    const session = this.#session(record.sessionId ?? "");
    session.ready.push(record);
    if (session.lock) this.#stirred.add(session);
    else this.#available.add(session);
  }

  /** Delivers what was offered to held sessions, then grants free ones to who waits. */
  pump(): void {
    for (const session of this.#stirred) {
      if (session.lock) this.#pumpSession(session, session.lock);
    }
    this.#stirred.clear();
    this.#serveWaiters();
  }

  /** Delivers within one held session. */
  pumpHeld(lock: SessionLock): void {
    const session = this.#held.get(lock);
    if (session) this.#pumpSession(session, lock);
  }

  /** Locks the named session; undefined when another consumer holds it. */
  acceptNamed(sessionId: string, consumer: SessionConsumer): SessionLock | undefined {
    const session = this.#session(sessionId);
    return session.lock ? undefined : this.#grant(session, consumer);
  }

  /** Locks the next free session with messages, now or when there is one. Returns its cancel. */
  acceptNext(consumer: SessionConsumer, onGranted: (lock: SessionLock) => void): () => void {
    const waiter = { consumer, onGranted };
    this.#waiters.add(waiter);
    this.#serveWaiters();
    return () => this.#waiters.delete(waiter);
  }

  /** The holder of a session, if any. */
  holderOf(sessionId: string): SessionLock | undefined {
    const lock = this.#sessions.get(sessionId)?.lock;
    return lock && lock.lockedUntil > this.#host.now() ? lock : undefined;
  }

  renew(lock: SessionLock): number {
    const session = this.#held.get(lock);
    lock.lockedUntil = this.#host.now() + this.#host.lockDurationMs;
    this.#held.delete(lock);
    if (session) this.#held.set(lock, session);
    return lock.lockedUntil;
  }

  /** Frees a session; its unsettled messages go back to it. */
  release(lock: SessionLock): void {
    const session = this.#held.get(lock);
    if (!session) return;
    this.#held.delete(lock);
    lock.isHeld = false;
    session.lock = undefined;
    this.#host.releaseMessages(lock);
    this.#settleDown(session);
    this.#serveWaiters();
  }

  /** Takes the sessions away whose lock time is over. */
  expire(now: number): void {
    for (const lock of [...this.#held.keys()]) {
      if (lock.lockedUntil > now) return;
      this.release(lock);
      lock.consumer.sessionLost(sessionLockLost(lock.sessionId));
    }
  }

  /** Ids of the sessions that hold messages or a lock. */
  ids(): string[] {
    return [...this.#sessions.keys()];
  }

  #session(id: string): Session {
    const existing = this.#sessions.get(id);
    if (existing) return existing;
    const ready = new LazyHeap<MessageRecord>({
      keyOf: (record) => record.sequenceNumber,
      isLive: isReady,
    });
    const session: Session = { id, ready, lock: undefined };
    this.#sessions.set(id, session);
    return session;
  }

  #grant(session: Session, consumer: SessionConsumer): SessionLock {
    const lockedUntil = this.#host.now() + this.#host.lockDurationMs;
    const lock = {
      sessionId: session.id,
      consumer,
      messages: new Map(),
      lockedUntil,
      isHeld: true,
    };
    session.lock = lock;
    this.#available.delete(session);
    this.#held.set(lock, session);
    return lock;
  }

  #serveWaiters(): void {
    for (const waiter of this.#waiters) {
      const session = this.#nextAvailable();
      if (!session) return;
      this.#waiters.delete(waiter);
      waiter.onGranted(this.#grant(session, waiter.consumer));
    }
  }

  #nextAvailable(): Session | undefined {
    for (const session of this.#available) {
      if (this.#next(session)) return session;
      this.#settleDown(session);
    }
    return undefined;
  }

  #next(session: Session): MessageRecord | undefined {
    for (let record = session.ready.peek(); record; record = session.ready.peek()) {
      if (!this.#host.expireIfDue(record)) return record;
    }
    return undefined;
  }

  #pumpSession(session: Session, lock: SessionLock): void {
    for (let record = this.#next(session); record; record = this.#next(session)) {
      if (!lock.consumer.takeCredit()) return;
      session.ready.pop();
      this.#host.hand(record, lock);
    }
  }

  // A session without messages and holder is nothing but its state, which lies in the store.
  #settleDown(session: Session): void {
    if (session.lock) return;
    this.#available.delete(session);
    if (session.ready.isEmpty) this.#sessions.delete(session.id);
    else this.#available.add(session);
  }
}
