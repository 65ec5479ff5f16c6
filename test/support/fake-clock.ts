import type { Cancel, Clock } from "../../shared/core/clock.ts";

interface Entry {
  dueAt: number;
  callback: () => void;
}

/** A clock that stands still until a test moves it. Scope: one test. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #entries = new Set<Entry>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const entry = { dueAt: this.#nowMs + Math.max(0, delayMs), callback };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }

  /** How many callbacks still wait; zero proves that nothing leaked a timer. */
  get pending(): number {
    return this.#entries.size;
  }

  /** Sets the time of the day back, as when it is corrected; what is scheduled comes when it would have come. */
  setBack(ms: number): void {
    this.#nowMs -= ms;
    for (const entry of this.#entries) entry.dueAt -= ms;
  }

  /** Moves time on, running what falls due in order and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#nowMs = next.dueAt;
      this.#entries.delete(next);
      next.callback();
      await settle();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.dueAt <= endMs && (!first || entry.dueAt < first.dueAt)) first = entry;
    }
    return first;
  }
}

/** Lets queued microtasks and immediates run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
