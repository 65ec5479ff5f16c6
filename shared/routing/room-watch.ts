import type { Clock } from "../core/clock.ts";
import type { PriorityClass } from "../core/domain.ts";
import type { LineTurn, RestLine } from "./rest-line.ts";

/** Who waits for room at which backends. */
export interface RoomRequest {
  readonly keys: ReadonlySet<string>;
  readonly priority: PriorityClass;
  /** Ends the wait in any case. */
  readonly atMostMs: number;
  readonly signal: AbortSignal;
  /** Backends that rest, whose lines are waited in as well, and where in them. */
  readonly rest?: RestRequest;
}

export interface RestRequest {
  readonly lines: readonly RestLine[];
  readonly sharer: string;
  readonly arrivedAt: number;
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

  /**
   * Resolves when there may be room, with its turn where that has come at a backend that rested, or when
   * the time is over; rejects with the signal's reason.
   */
  wait({ keys, priority, atMostMs, signal, rest }: RoomRequest): Promise<LineTurn | undefined> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      let isWaiting = true;
      const leaves: (() => void)[] = [];
      const leave = (): void => {
        isWaiting = false;
        this.#waiters.delete(waiter);
        for (const leaveLine of leaves) leaveLine();
        cancel();
        signal.removeEventListener("abort", onAbort);
      };
      const wake = (turn?: LineTurn): void => {
        leave();
        resolve(turn);
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      const waiter: Waiter = { keys, priority, wake: () => wake() };
      const cancel = this.#clock.schedule(atMostMs, () => wake());
      this.#waiters.add(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
      for (const line of rest?.lines ?? []) {
        // A line may call at once: then there is nothing left to wait for in the others.
        if (isWaiting) leaves.push(line.enter({ ...standing(priority, rest), called: wake }));
      }
    });
  }

  /** Backends have changed: whoever waits looks again. */
  changed(): void {
    for (const waiter of [...this.#waiters]) waiter.wake();
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

const standing = (
  priority: PriorityClass,
  { sharer = "", arrivedAt = 0 }: Partial<RestRequest> = {},
) => ({ priority, sharer, arrivedAt });
