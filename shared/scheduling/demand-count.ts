import type { Caller } from "./band.ts";
import type { UserDemand } from "./class-standing.ts";

interface Count extends Caller {
  demand: number;
  /** How many of them are in the lane for those over their share. */
  over: number;
}

// Ends are counted over about this time.
const ENDS_MEMORY_MS = 10_000;

/**
 * One class's requests by user, and how fast they end; a user without requests takes no memory.
 * Scope: its book's.
 */
export class DemandCount {
  readonly #counts = new Map<string, Count>();
  #demand = 0;
  #ends = 0;
  #endedAt = 0;

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

  ended(nowMs: number): void {
    this.#ends = this.#recentEnds(nowMs) + 1;
    this.#endedAt = nowMs;
  }

  endedPerSecond(nowMs: number): number {
    return (this.#recentEnds(nowMs) * 1000) / ENDS_MEMORY_MS;
  }

  #recentEnds(nowMs: number): number {
    return this.#ends * Math.exp(-Math.max(0, nowMs - this.#endedAt) / ENDS_MEMORY_MS);
  }
}

/** No two callers have one key, whatever their names are made of. */
function keyOf({ userId, groupId }: Caller): string {
  return groupId === undefined ? `user ${userId}` : `${groupId.length} ${groupId} ${userId}`;
}
