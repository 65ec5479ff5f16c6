import type { PriorityClass } from "../core/domain.ts";
import { GatewayError } from "../core/errors.ts";
import { WaitingLine } from "./waiting-line.ts";

/** One of an instance's slots; whoever holds it calls a backend. */
export interface Slot {
  /** Gives the slot back. Calling it again does nothing. */
  release(): void;
}

export interface SlotRequest {
  readonly priority: PriorityClass;
  /** Leaves the queue when it aborts; `acquire` then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Whether the queue's limit applies; work that was already accepted elsewhere is not refused again. */
  readonly isLimited: boolean;
}

interface Waiter {
  grant(slot: Slot): void;
}

/**
 * One pool of slots for everything an instance runs, so that priority holds across the ways in which
 * requests are served. Strict bands: a free slot goes to the most urgent band, first come first
 * served within it. Scope: per instance.
 */
export class SlotScheduler {
  readonly #capacity: number;
  readonly #maxQueueLength: number;
  readonly #bands = new Map<PriorityClass, WaitingLine<Waiter>>();
  /** The bands' priorities, most urgent first. */
  #order: PriorityClass[] = [];
  #running = 0;
  #waiting = 0;

  constructor({ capacity, maxQueueLength }: { capacity: number; maxQueueLength: number }) {
    this.#capacity = capacity;
    this.#maxQueueLength = maxQueueLength;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** A slot that is free at once, provided nobody as urgent or more urgent waits for it. */
  tryAcquire(priority: PriorityClass): Slot | undefined {
    if (this.#running >= this.#capacity) return undefined;
    const isPassedOver = this.#order.some(
      (band) => band <= priority && (this.#bands.get(band)?.size ?? 0) > 0,
    );
    return isPassedOver ? undefined : this.#take();
  }

  /** Waits for a slot; rejects with `queue-full` when the queue is, or with the signal's reason. */
  acquire({ priority, signal, isLimited }: SlotRequest): Promise<Slot> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const free = this.tryAcquire(priority);
    if (free) return Promise.resolve(free);
    if (isLimited && this.#waiting >= this.#maxQueueLength) {
      return Promise.reject(
        new GatewayError("queue-full", "The queue of waiting requests is full.", {
          retryAfterMs: 1000,
        }),
      );
    }
    return this.#wait(priority, signal);
  }

  #wait(priority: PriorityClass, signal: AbortSignal): Promise<Slot> {
    const band = this.#band(priority);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant(slot) {
          signal.removeEventListener("abort", onAbort);
          resolve(slot);
        },
      };
      const onAbort = (): void => {
        if (!band.remove(waiter)) return;
        this.#waiting -= 1;
        reject(signal.reason);
      };
      band.add(waiter);
      this.#waiting += 1;
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  #band(priority: PriorityClass): WaitingLine<Waiter> {
    const existing = this.#bands.get(priority);
    if (existing) return existing;
    const band = new WaitingLine<Waiter>();
    this.#bands.set(priority, band);
    this.#order = [...this.#bands.keys()].sort((a, b) => a - b);
    return band;
  }

  #take(): Slot {
    this.#running += 1;
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#running -= 1;
        this.#next()?.grant(this.#take());
      },
    };
  }

  #next(): Waiter | undefined {
    for (const priority of this.#order) {
      const waiter = this.#bands.get(priority)?.shift();
      if (!waiter) continue;
      this.#waiting -= 1;
      return waiter;
    }
    return undefined;
  }
}
