import type { Entry, Slot } from "./entry.ts";
import type { HeapNode } from "./indexed-heap.ts";

/** What a held slot tells its scheduler. */
export interface SlotOwner {
  released(slot: HeldSlot, actualCost: number | undefined): void;
  delivered(slot: HeldSlot): void;
}

interface Grant {
  readonly owner: SlotOwner;
  readonly number: number;
  readonly nowMs: number;
  readonly isTrickle: boolean;
}

/** A slot in somebody's hands. Scope: one grant. */
export class HeldSlot implements Slot, HeapNode {
  heapIndex = -1;
  readonly entry: Entry;
  /** Which of its scheduler's grants this is. */
  readonly number: number;
  readonly startedAt: number;
  /** The slot was granted to keep a less urgent class's guarantee. */
  readonly isTrickle: boolean;
  /** Its holder was asked to give way. */
  isPreempted = false;
  readonly #owner: SlotOwner;
  #isHeld = true;
  #hasDelivered = false;

  constructor(entry: Entry, { owner, number, nowMs, isTrickle }: Grant) {
    this.entry = entry;
    this.number = number;
    this.startedAt = nowMs;
    this.isTrickle = isTrickle;
    this.#owner = owner;
  }

  get waitedMs(): number {
    return Math.max(0, this.startedAt - this.entry.enqueuedAt);
  }

  get position(): number {
    return this.entry.position;
  }

  get place(): number {
    return this.entry.number;
  }

  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  /** What its user is charged: nothing for what a holder that gave way had not delivered. */
  costOf(actual: number | undefined): number {
    if (actual !== undefined && actual >= 0 && Number.isFinite(actual)) return actual;
    return this.isPreempted && !this.#hasDelivered ? 0 : this.entry.cost;
  }

  release(actualCost?: number): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#owner.released(this, actualCost);
  }

  delivered(): void {
    if (!this.#isHeld || this.#hasDelivered) return;
    this.#hasDelivered = true;
    this.#owner.delivered(this);
  }
}
