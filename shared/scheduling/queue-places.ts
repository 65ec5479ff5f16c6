import type { Caller } from "./band.ts";
import { type Weights, weightOf } from "./weights.ts";

/** One request's place in a queue. */
export interface QueuePlace {
  /** The request waits no more; leaving twice does nothing. */
  leave(): void;
}

interface Place extends QueuePlace {
  readonly evict: () => void;
  older: Place | undefined;
  newer: Place | undefined;
}

/** One user's places. */
interface Holder {
  count: number;
  newest: Place | undefined;
  readonly weight: number;
}

/** A group with its users, or one user alone. */
interface Account {
  count: number;
  readonly weight: number;
  readonly holders: Map<string, Holder>;
}

/**
 * Who holds the places of a queue of limited length. While it has room it takes all; once it is full,
 * whoever holds most in relation to their weight makes room for those who hold less, the newest request
 * first. So nobody's places can keep out somebody who has fewer. Scope: its queue's.
 */
export class QueuePlaces {
  readonly #accounts = new Map<string, Account>();
  #weights: Weights;
  #size = 0;

  constructor(weights: Weights = { users: new Map(), groups: new Map() }) {
    this.#weights = weights;
  }

  /** How many places are held. */
  get size(): number {
    return this.#size;
  }

  /** Weights take effect for whoever holds no place now. */
  useWeights(weights: Weights): void {
    this.#weights = weights;
  }

  /** Takes a place. `evict` is called when it must be given up, and has been left by then. */
  enter(caller: Caller, evict: () => void): QueuePlace {
    const key = accountOf(caller);
    const account = this.#accounts.get(key) ?? this.#open(key, caller);
    const holder = account.holders.get(caller.userId) ?? this.#admit(account, caller);
    let isHeld = true;
    const leave = (): void => {
      if (!isHeld) return;
      isHeld = false;
      unlink(holder, place);
      this.#size -= 1;
      account.count -= 1;
      if (holder.count === 0) account.holders.delete(caller.userId);
      if (account.count === 0) this.#accounts.delete(key);
    };
    const place: Place = { evict, leave, older: holder.newest, newer: undefined };
    if (holder.newest) holder.newest.newer = place;
    holder.newest = place;
    this.#size += 1;
    holder.count += 1;
    account.count += 1;
    return place;
  }

  /** Makes room in a full queue; false when the caller would hold as much as anybody. O(users). */
  makeRoomFor(caller: Caller): boolean {
    const own = this.#accounts.get(accountOf(caller));
    const weight = own?.weight ?? this.#weightOf(caller);
    const longest = longestOf(this.#accounts.values());
    if (!longest) return false;
    if (longest === own) return this.#makeRoomWithin(own, caller);
    if (longest.count * weight <= ((own?.count ?? 0) + 1) * longest.weight) return false;
    return evictNewest(longestOf(longest.holders.values()));
  }

  #makeRoomWithin(group: Account, caller: Caller): boolean {
    const own = group.holders.get(caller.userId);
    const weight = own?.weight ?? this.#userWeight(caller);
    const longest = longestOf(group.holders.values());
    if (!longest || longest === own) return false;
    const wouldHold = (own?.count ?? 0) + 1;
    if (longest.count * weight <= wouldHold * longest.weight) return false;
    return evictNewest(longest);
  }

  #open(key: string, caller: Caller): Account {
    const account = {
      count: 0,
      weight: this.#weightOf(caller),
      holders: new Map<string, Holder>(),
    };
    this.#accounts.set(key, account);
    return account;
  }

  #admit({ holders }: Account, caller: Caller): Holder {
    const holder = { count: 0, newest: undefined, weight: this.#userWeight(caller) };
    holders.set(caller.userId, holder);
    return holder;
  }

  #weightOf(caller: Caller): number {
    const { groupId } = caller;
    if (groupId === undefined) return this.#userWeight(caller);
    return weightOf(this.#weights, { kind: "group", id: groupId });
  }

  #userWeight({ userId }: Caller): number {
    return weightOf(this.#weights, { kind: "user", id: userId });
  }
}

const accountOf = ({ userId, groupId }: Caller): string =>
  groupId === undefined ? `user ${userId}` : `group ${groupId}`;

function longestOf<Kind extends { readonly count: number; readonly weight: number }>(
  all: Iterable<Kind>,
): Kind | undefined {
  let longest: Kind | undefined;
  for (const one of all) {
    if (!longest || one.count * longest.weight > longest.count * one.weight) longest = one;
  }
  return longest;
}

function unlink(holder: Holder, place: Place): void {
  const { older, newer } = place;
  if (newer) newer.older = older;
  else holder.newest = older;
  if (older) older.newer = newer;
  // Left as it was, each place that is over would lead to the next one, and keep it from being collected while young.
  place.older = undefined;
  place.newer = undefined;
  holder.count -= 1;
}

function evictNewest(holder: Holder | undefined): boolean {
  const newest = holder?.newest;
  if (!newest) return false;
  newest.leave();
  newest.evict();
  return true;
}
