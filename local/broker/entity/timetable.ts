import { LazyHeap } from "./lazy-heap.ts";
import { type MessageRecord, STATE } from "./message-record.ts";

/** Which of an entity's messages become active, or expire, next. Scope: one broker process. */
export class Timetable {
  readonly #scheduled = new LazyHeap<MessageRecord>({
    keyOf: (record) => record.enqueuedAt,
    isLive: (record) => record.state === STATE.scheduled && !record.isRemoved,
  });
  readonly #expiring = new LazyHeap<MessageRecord>({
    keyOf: (record) => record.expiresAt ?? Number.POSITIVE_INFINITY,
    isLive: (record) => record.state === STATE.active && !record.isRemoved,
  });

  /** When something falls due next. */
  get nextAt(): number | undefined {
    const dueAt = this.#scheduled.peek()?.enqueuedAt;
    const expiresAt = this.#expiring.peek()?.expiresAt;
    if (dueAt === undefined || expiresAt === undefined) return dueAt ?? expiresAt;
    return Math.min(dueAt, expiresAt);
  }

  add(record: MessageRecord): void {
    if (record.state === STATE.scheduled) this.#scheduled.push(record);
    else if (record.state === STATE.active && record.expiresAt !== undefined) {
      this.#expiring.push(record);
    }
  }

  /** Takes out the scheduled messages whose time has come. */
  *due(now: number): Generator<MessageRecord> {
    for (let top = this.#scheduled.peek(); top; top = this.#scheduled.peek()) {
      if (top.enqueuedAt > now) return;
      this.#scheduled.pop();
      yield top;
    }
  }

  /** Takes out the messages whose time is over; a locked one expires when it comes back. */
  *expired(now: number): Generator<MessageRecord> {
    for (let top = this.#expiring.peek(); top; top = this.#expiring.peek()) {
      if (top.expiresAt === undefined || top.expiresAt > now) return;
      this.#expiring.pop();
      if (!top.lock) yield top;
    }
  }
}

/** When a message that becomes active at `activeAt` expires. */
export const expiryOf = (ttlMs: number | undefined, activeAt: number): number | undefined =>
  ttlMs === undefined ? undefined : activeAt + ttlMs;

/** The shorter of the client's and the entity's time to live. */
export function effectiveTtlMs(
  clientMs: number | undefined,
  defaultMs: number,
): number | undefined {
  const ttlMs = Math.min(clientMs ?? Number.POSITIVE_INFINITY, defaultMs);
  return Number.isFinite(ttlMs) ? ttlMs : undefined;
}
