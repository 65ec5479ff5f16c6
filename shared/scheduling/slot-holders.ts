import type { PriorityClass } from "../core/domain.ts";
import { TransientMap } from "../core/transient-map.ts";
import type { HeldSlot } from "./held-slot.ts";
import { IndexedHeap } from "./indexed-heap.ts";

/**
 * Who holds slots, and who of them may be asked to give way: O(log slots) for each change.
 * Scope: its scheduler's.
 */
export class SlotHolders {
  readonly #slots = new TransientMap<number, HeldSlot>();
  readonly #victims = new IndexedHeap<HeldSlot>(givesWayBefore);
  #preemptible: ReadonlySet<PriorityClass>;
  #asked = 0;

  constructor(preemptible: ReadonlySet<PriorityClass>) {
    this.#preemptible = preemptible;
  }

  /** How many were asked to give way and have not done so yet. */
  get asked(): number {
    return this.#asked;
  }

  /** When the one who has held its slot longest began. */
  get oldestStartedAt(): number | undefined {
    for (const { startedAt } of this.#slots.values()) return startedAt;
    return undefined;
  }

  set preemptible(preemptible: ReadonlySet<PriorityClass>) {
    this.#preemptible = preemptible;
    for (const slot of this.#slots.values()) {
      this.protect(slot);
      this.#expose(slot);
    }
  }

  add(slot: HeldSlot): void {
    this.#slots.set(slot.number, slot);
    this.#expose(slot);
  }

  remove(slot: HeldSlot): void {
    this.#slots.delete(slot.number);
    this.protect(slot);
    if (slot.isPreempted) this.#asked -= 1;
  }

  /** The holder is asked no more. */
  protect(slot: HeldSlot): void {
    if (slot.heapIndex >= 0) this.#victims.remove(slot);
  }

  /** Asks one less urgent than the class to give way: the least urgent, most recently started one. */
  preempt(waiting: PriorityClass): HeldSlot | undefined {
    const victim = this.#victims.peek();
    if (!victim || victim.entry.priority <= waiting) return undefined;
    this.#victims.remove(victim);
    victim.isPreempted = true;
    this.#asked += 1;
    return victim;
  }

  /** What keeps a class's guarantee is not taken back: else it would be given and taken for ever. */
  #expose(slot: HeldSlot): void {
    if (slot.isPreempted || slot.hasDelivered || slot.isTrickle || !slot.entry.onPreempt) return;
    if (this.#preemptible.has(slot.entry.priority)) this.#victims.add(slot);
  }
}

function givesWayBefore(a: HeldSlot, b: HeldSlot): boolean {
  if (a.entry.priority !== b.entry.priority) return a.entry.priority > b.entry.priority;
  if (a.startedAt !== b.startedAt) return a.startedAt > b.startedAt;
  return a.entry.number > b.entry.number;
}
