import type { Caller } from "./band.ts";
import type { UserDemand } from "./class-standing.ts";

interface Count extends Caller {
  demand: number;
  /** How many of them are in the lane for those over their share. */
  over: number;
}

// One sample's weight in the mean service time, once there have been as many samples.
const SERVICE_WEIGHT = 0.1;

/**
 * One class's requests by user, and how long each holds a slot; a user without requests takes no memory.
 * Scope: its book's.
 */
export class DemandCount {
  readonly #counts = new Map<string, Count>();
  #demand = 0;
  #served = 0;
  #serviceMs = 0;

  /** Of all users together. */
  get demand(): number {
    return this.#demand;
  }

  add(caller: Caller, change: number, isOver: boolean): void {
    const key = keyOf(caller);
    const { userId, groupId } = caller;
    const count = this.#counts.get(key) ?? { userId, groupId, demand: 0, over: 0 };
    count.demand += change;
    if (isOver) count.over += change;
    this.#demand += change;
    if (count.demand === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }

  of(caller: Caller): number {
    return this.#counts.get(keyOf(caller))?.demand ?? 0;
  }

  /** Whether some of the caller's requests are in the lane for those over their share. */
  isOver(caller: Caller): boolean {
    return (this.#counts.get(keyOf(caller))?.over ?? 0) > 0;
  }

  users(): UserDemand[] {
    return [...this.#counts.values()].map(({ userId, groupId, demand }) => ({
      userId,
      ...(groupId === undefined ? {} : { groupId }),
      demand,
    }));
  }

  /** A request was in a slot for so long. */
  ended(serviceMs: number): void {
    this.#served += 1;
    const weight = Math.max(SERVICE_WEIGHT, 1 / this.#served);
    this.#serviceMs += weight * (serviceMs - this.#serviceMs);
  }

  /** How long a request is in a slot, on average; undefined before one has been. */
  get serviceMs(): number | undefined {
    return this.#served > 0 ? this.#serviceMs : undefined;
  }
}

/** No two callers have one key, whatever their names are made of. */
function keyOf({ userId, groupId }: Caller): string {
  return groupId === undefined ? `user ${userId}` : `${groupId.length} ${groupId} ${userId}`;
}
