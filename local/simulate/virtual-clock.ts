import type { Cancel, Clock } from "../../shared/core/clock.ts";
import { type HeapNode, IndexedHeap } from "../../shared/scheduling/index.ts";

interface Timer extends HeapNode {
  readonly dueAt: number;
  readonly number: number;
  readonly callback: () => void;
}

/**
 * A clock whose time is what is due next: nothing ever waits. Timers of one moment run in the order in
 * which they were set, and between any two all promises settle, so that the same run happens twice.
 * Scope: one simulation.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #timers = 0;
  readonly #heap = new IndexedHeap<Timer>((a, b) =>
    a.dueAt === b.dueAt ? a.number < b.number : a.dueAt < b.dueAt,
  );

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** Whole milliseconds, as real timers have them, and never too early. */
  schedule(delayMs: number, callback: () => void): Cancel {
    const dueAt = this.#nowMs + Math.max(0, Math.ceil(delayMs));
    const timer: Timer = { dueAt, number: this.#timers++, callback, heapIndex: -1 };
    this.#heap.add(timer);
    return () => {
      if (timer.heapIndex >= 0) this.#heap.remove(timer);
    };
  }

  /** Runs all that is due before a moment, and then goes there; `look` is called after each timer. */
  async advanceTo(atMs: number, look: () => void = () => {}): Promise<void> {
    await settled();
    look();
    for (;;) {
      const next = this.#heap.peek();
      if (!next || next.dueAt >= atMs) break;
      await this.step();
      look();
    }
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  /** Goes to the next timer and runs it; false when there is none. */
  async step(): Promise<boolean> {
    const next = this.#heap.shift();
    if (!next) return false;
    this.#nowMs = next.dueAt;
    next.callback();
    await settled();
    return true;
  }
}

/** Resolves when no promise has anything left to do: an immediate comes after all of them. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
