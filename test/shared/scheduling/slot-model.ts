import type { PriorityClass } from "../../../shared/core/domain.ts";

/** A pool as the documents describe it: slots with names, tried out one by one. */
export interface PoolModel {
  readonly capacity: number;
  readonly reservations: ReadonlyMap<PriorityClass, number>;
}

/** The class that each slot is reserved for; undefined for a slot that is for everyone. */
function slotsOf({ capacity, reservations }: PoolModel): (PriorityClass | undefined)[] {
  const reserved = [...reservations]
    .sort(([a], [b]) => a - b)
    .flatMap(([priority, count]) => Array.from({ length: count }, () => priority));
  const kept = reserved.slice(0, Math.max(0, capacity - 1));
  return [...kept, ...Array.from({ length: capacity - kept.length }, () => undefined)];
}

/** How many requests sit in a slot that is not for them: only after a change of the pool. */
function misplaced(model: PoolModel, running: readonly PriorityClass[]): number {
  const free = slotsOf(model);
  let count = 0;
  // The least urgent can use the fewest slots, all of which the others can use too.
  for (const priority of running.toSorted((a, b) => b - a)) {
    const own = free.findIndex((reserved) => reserved === undefined || reserved >= priority);
    if (own < 0) count += 1;
    // Who has no slot of its own takes the least urgent one that is left.
    free.splice(own < 0 ? free.length - 1 : own, 1);
  }
  return count;
}

/** Whether one more request has a slot, given that those that run may change places. */
export function hasSlotFor(
  model: PoolModel,
  running: readonly PriorityClass[],
  priority: PriorityClass,
): boolean {
  if (running.length >= model.capacity) return false;
  return misplaced(model, [...running, priority]) === misplaced(model, running);
}
