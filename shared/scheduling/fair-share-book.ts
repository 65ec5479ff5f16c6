import type { Clock } from "../core/clock.ts";
import type { PriorityClass } from "../core/domain.ts";
import type { Caller } from "./band.ts";
import {
  type ClassStanding,
  isFarBelowAverage,
  isOverShare,
  placeIn,
  standingOf,
  type UserDemand,
} from "./class-standing.ts";
import { DemandCount } from "./demand-count.ts";
import type { Weights } from "./weights.ts";

/** What one instance tells the others of one class. */
export interface ClassDemand {
  readonly priority: PriorityClass;
  /** How many of the class it can run at once. */
  readonly capacity: number;
  /** How long one of the class holds a slot there, on average; absent before one has. */
  readonly serviceMs?: number;
  readonly users: readonly UserDemand[];
}

/** Where a request goes, and what can be said of its wait. */
export interface LaneJudgement {
  readonly isOver: boolean;
  /** About how many requests begin before it and itself; 0 when it starts at once. */
  readonly position: number;
  /** How long that takes when all slots serve the class; undefined before anything was measured. */
  readonly estimatedWaitMs: number | undefined;
}

/** A request that counts as its caller's demand, until it is released. */
export interface DemandHold {
  release(): void;
}

export interface FairShareBookOptions {
  readonly clock: Clock;
  /** How many of the class this instance can run at once. */
  capacityOf(priority: PriorityClass): number;
}

// The sums of a class are made anew after this part of its users has changed, or this time.
const CHANGED_PART = 1 / 4;
const REFRESH_MS = 250;

interface CachedStanding {
  readonly standing: ClassStanding;
  readonly at: number;
  changes: number;
}

/** A class on all other instances together. */
interface Elsewhere {
  readonly count: DemandCount;
  readonly capacity: number;
  /** What each instance told that has measured it. */
  readonly serviceMs: readonly number[];
}

const NOTHING: Elsewhere = { count: new DemandCount(), capacity: 0, serviceMs: [] };

/**
 * Who has how much of each class, here and, as the ledger last told, elsewhere; and by that whose
 * requests belong into the lane for those over their share. Scope: per instance.
 */
export class FairShareBook {
  readonly #options: FairShareBookOptions;
  readonly #classes = new Map<PriorityClass, DemandCount>();
  readonly #standings = new Map<PriorityClass, CachedStanding>();
  #remote = new Map<PriorityClass, Elsewhere>();
  #weights: Weights = { users: new Map(), groups: new Map() };

  constructor(options: FairShareBookOptions) {
    this.#options = options;
  }

  useWeights(weights: Weights): void {
    this.#weights = weights;
    this.#standings.clear();
  }

  /** Counts a request of the caller until it is released. */
  hold(priority: PriorityClass, caller: Caller, { isOver = false } = {}): DemandHold {
    const count = this.#class(priority);
    count.add(caller, 1, isOver);
    this.#changed(priority);
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        count.add(caller, -1, isOver);
        this.#changed(priority);
      },
    };
  }

  /** A request of the class was run to its end here, and held a slot for so long. */
  ended(priority: PriorityClass, serviceMs: number): void {
    this.#class(priority).ended(serviceMs);
  }

  /** Judges the caller's next request. */
  judge(priority: PriorityClass, caller: Caller): LaneJudgement {
    const standing = this.#standing(priority);
    const count = this.#class(priority);
    const demand = count.of(caller) + this.#elsewhere(priority).count.of(caller) + 1;
    const own = { ...caller, demand };
    // Who has requests there already stays until they are through, so that their order is kept, but not
    // behind the backlog of somebody who has far more.
    const stays = count.isOver(caller) && !isFarBelowAverage(standing, caller);
    const isOver = stays || isOverShare(standing, own, this.#weights);
    const position = placeIn(standing, own, this.#weights);
    return { isOver, position, estimatedWaitMs: this.#waitMs(priority, position, standing) };
  }

  /** This instance's own demand, for the ledger. */
  local(): ClassDemand[] {
    const { capacityOf } = this.#options;
    return [...this.#classes].map(([priority, count]) => ({
      priority,
      capacity: capacityOf(priority),
      ...(count.serviceMs === undefined ? {} : { serviceMs: count.serviceMs }),
      users: count.users(),
    }));
  }

  /** Takes over what all other instances told. */
  replaceRemote(remote: readonly ClassDemand[]): void {
    this.#remote = summed(remote);
    this.#standings.clear();
  }

  #standing(priority: PriorityClass): ClassStanding {
    const now = this.#options.clock.now();
    const cached = this.#standings.get(priority);
    if (cached && now - cached.at < REFRESH_MS) {
      if (cached.changes <= cached.standing.accounts.size * CHANGED_PART) return cached.standing;
    }
    const users = [...this.#class(priority).users(), ...this.#elsewhere(priority).count.users()];
    const standing = standingOf(users, {
      capacity: this.#freeFor(priority),
      weights: this.#weights,
    });
    this.#standings.set(priority, { standing, at: now, changes: 0 });
    return standing;
  }

  /** What more urgent classes leave of the slots; every class gets some. */
  #freeFor(priority: PriorityClass): number {
    const classes = new Set([...this.#classes.keys(), ...this.#remote.keys()]);
    const taken = [...classes]
      .filter((other) => other < priority)
      .map((other) => Math.min(this.#demand(other), this.#capacity(other)))
      .reduce((sum, slots) => sum + slots, 0);
    return Math.max(1, this.#capacity(priority) - taken);
  }

  #capacity(priority: PriorityClass): number {
    return this.#options.capacityOf(priority) + this.#elsewhere(priority).capacity;
  }

  #demand(priority: PriorityClass): number {
    return (this.#classes.get(priority)?.demand ?? 0) + this.#elsewhere(priority).count.demand;
  }

  #waitMs(
    priority: PriorityClass,
    position: number,
    { capacity }: ClassStanding,
  ): number | undefined {
    if (position === 0) return 0;
    const here = this.#class(priority).serviceMs;
    const known = [...(here === undefined ? [] : [here]), ...this.#elsewhere(priority).serviceMs];
    if (known.length === 0) return undefined;
    const meanMs = known.reduce((sum, serviceMs) => sum + serviceMs, 0) / known.length;
    return (position * meanMs) / capacity;
  }

  #changed(priority: PriorityClass): void {
    const cached = this.#standings.get(priority);
    if (cached) cached.changes += 1;
  }

  #class(priority: PriorityClass): DemandCount {
    const known = this.#classes.get(priority);
    if (known) return known;
    const count = new DemandCount();
    this.#classes.set(priority, count);
    return count;
  }

  #elsewhere(priority: PriorityClass): Elsewhere {
    return this.#remote.get(priority) ?? NOTHING;
  }
}

/** Sums up what the other instances told, by class. */
function summed(remote: readonly ClassDemand[]): Map<PriorityClass, Elsewhere> {
  const sums = new Map<PriorityClass, Elsewhere>();
  for (const { priority, capacity, serviceMs, users } of remote) {
    const known = sums.get(priority);
    const count = known?.count ?? new DemandCount();
    for (const user of users) count.add(user, user.demand, false);
    sums.set(priority, {
      count,
      capacity: (known?.capacity ?? 0) + capacity,
      serviceMs: [...(known?.serviceMs ?? []), ...(serviceMs === undefined ? [] : [serviceMs])],
    });
  }
  return sums;
}
