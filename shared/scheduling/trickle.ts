import type { PriorityClass } from "../core/domain.ts";

/** Of how many grants the classes below the first get one: class 2 one of 10, class 3 one of 20. */
const GRANTS_PER_CLASS = 10;

/** The N of the class's guaranteed one of N grants, where the policy names none. */
export function defaultTrickle(priority: PriorityClass): number {
  return GRANTS_PER_CLASS * Math.max(1, priority - 1);
}

/** A band's account of the grants that passed it by. */
export interface Turn {
  /** One of this many grants is the band's. */
  every: number;
  /** The band must have one of the next `remaining` grants. */
  remaining: number;
  /** The grant since which it may wait no longer. */
  dueSince: number | undefined;
  /** The last grant that it could have had was a trickle: the next is not. */
  isCooling: boolean;
}

/** The turn of a band that begins to wait. */
export function createTurn(every: number): Turn {
  return { every, remaining: every, dueSince: undefined, isCooling: false };
}

/** Starts the count anew. */
export function restartTurn(turn: Turn): void {
  turn.remaining = turn.every;
  turn.dueSince = undefined;
}

/**
 * Chooses among the bands that have waiting work and could use the slot, most urgent first: the first
 * one, unless another's guarantee would break. A trickle is put off as long as all guarantees can
 * still be kept, and of two grants at most one is a trickle.
 *
 * With T bands that wait below the most urgent one and N >= 2T for all of them, a waiting band gets
 * one of any N grants. Otherwise, and where reservations keep slots from some bands, it gets one
 * of any N + 2T - 1 of those that it could have used. O(T log T).
 */
export function chooseTurn(turns: readonly Turn[]): number {
  let chosen = 0;
  for (let index = 1; index < turns.length; index++) {
    const turn = turns[index];
    if (!turn || turn.isCooling) continue;
    if (chosen === 0 || isMorePressing(turn, turns[chosen])) chosen = index;
  }
  if (chosen === 0) return 0;
  return turns[chosen]?.dueSince !== undefined || isTight(turns) ? chosen : 0;
}

/** Notes for all that could have had the grant who did. */
export function noteTurn(turns: readonly Turn[], chosen: number, grant: number): void {
  for (const [index, turn] of turns.entries()) {
    if (index === chosen) {
      restartTurn(turn);
    } else {
      turn.remaining -= 1;
      if (turn.remaining <= 1) turn.dueSince ??= grant;
    }
    turn.isCooling = chosen > 0;
  }
}

function isMorePressing(turn: Turn, than: Turn | undefined): boolean {
  const since = turn.dueSince ?? Number.POSITIVE_INFINITY;
  const otherSince = than?.dueSince ?? Number.POSITIVE_INFINITY;
  if (since !== otherSince) return since < otherSince;
  return turn.remaining < (than?.remaining ?? Number.POSITIVE_INFINITY);
}

/** Whether k bands need all the trickles among the next 2k - 1 grants, so that none can be put off. */
function isTight(turns: readonly Turn[]): boolean {
  if (turns.length < 3) return false;
  const sorted = turns
    .slice(1)
    .map(({ remaining }) => remaining)
    .sort((a, b) => a - b);
  return sorted.some((remaining, index) => remaining <= 2 * index + 1);
}
