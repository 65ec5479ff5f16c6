import type { Clock } from "../core/clock.ts";
import type { PriorityClass } from "../core/domain.ts";

/** Who waits for room at which backends. */
export interface RoomRequest {
  readonly keys: ReadonlySet<string>;
  readonly priority: PriorityClass;
  /** Ends the wait in any case. */
  readonly atMostMs: number;
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly keys: ReadonlySet<string>;
  readonly priority: PriorityClass;
  wake(): void;
}

/**
 * Requests that wait until a backend has room again. Each call that ends wakes one of them: the most
 * urgent, and of those the one that has waited longest. Scope: per instance.
 */
export class RoomWatch {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Resolves when there may be room, or the time is over; rejects with the signal's reason. */
  wait({ keys, priority, atMostMs, signal }: RoomRequest): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        cancel();
        signal.removeEventListener("abort", onAbort);
      };
      const wake = (): void => {
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      const waiter: Waiter = { keys, priority, wake };
      const cancel = this.#clock.schedule(atMostMs, wake);
      this.#waiters.add(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** There is room for one more call at a backend. */
  freed(key: string): void {
    let first: Waiter | undefined;
    for (const waiter of this.#waiters) {
      const isFirst = waiter.keys.has(key) && waiter.priority < (first?.priority ?? Infinity);
      if (isFirst) first = waiter;
    }
    first?.wake();
  }
}
