import type { PriorityClass } from "../core/domain.ts";

/** What the decision who may start needs to know of a class. */
export interface ClassLoad {
  readonly priority: PriorityClass;
  readonly running: number;
  readonly reserved: number;
}

/** The pool and its classes, most urgent first: every one that runs, waits or has a reservation. */
export interface SlotPool<Load extends ClassLoad = ClassLoad> {
  readonly capacity: number;
  readonly running: number;
  readonly classes: readonly Load[];
}

/**
 * Whether one more request of the class may start. A reserved slot is for its class or a more urgent
 * one, and slots have no names, so this is all that has to hold: from the class itself and from every
 * more urgent one on downwards, the requests fill at most the slots that are not reserved for classes
 * above (Hall's condition for nested sets). If a class may start, all more urgent ones may. O(classes).
 */
export function mayStart(pool: SlotPool, priority: PriorityClass): boolean {
  let { running, capacity } = pool;
  for (const load of pool.classes) {
    if (running >= capacity || load.priority >= priority) break;
    running -= load.running;
    capacity -= load.reserved;
  }
  return running < capacity;
}

/** The classes with waiting work that may start, most urgent first. O(classes). */
export function startable<Load extends ClassLoad & { readonly waiting: number }>(
  pool: SlotPool<Load>,
): Load[] {
  let { running, capacity } = pool;
  const found: Load[] = [];
  for (const load of pool.classes) {
    if (running >= capacity) break;
    if (load.waiting > 0) found.push(load);
    running -= load.running;
    capacity -= load.reserved;
  }
  return found;
}

/** How many more requests of the class may start; what is reserved for more urgent ones stays free. */
export function spareSlots(pool: SlotPool, priority: PriorityClass): number {
  let { running, capacity } = pool;
  let spare = capacity - running;
  for (const load of pool.classes) {
    if (load.priority >= priority) break;
    running -= load.running;
    capacity -= load.reserved;
    spare = Math.min(spare, capacity - running);
  }
  return Math.max(0, spare);
}

/** How many slots the class may use at all. */
export function usableSlots(pool: SlotPool, priority: PriorityClass): number {
  return pool.classes.reduce(
    (usable, load) => (load.priority < priority ? usable - load.reserved : usable),
    pool.capacity,
  );
}
