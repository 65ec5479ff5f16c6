import type { Caller } from "./band.ts";
import { type Claim, isBeyondShare, sumOf, waterLevel } from "./water-level.ts";
import { type Weights, weightOf } from "./weights.ts";

/** How many requests of one user a class has, waiting and running, wherever they are. */
export interface UserDemand extends Caller {
  readonly demand: number;
}

interface Account extends Claim {
  /** Weighted demand of its own members, of a group. */
  readonly members: Claim | undefined;
}

/** Who asks for how much of a class, and how much each may have. A value. */
export interface ClassStanding {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly total: Claim;
  readonly capacity: number;
  /** Whoever asks for no more than this, times their weight, is within their share. */
  readonly level: number;
}

const NOBODY: Claim = sumOf([]);

/** Sums up a class. Users of a group share what the group gets, as inside an instance. */
export function standingOf(
  users: readonly UserDemand[],
  { capacity, weights }: { capacity: number; weights: Weights },
): ClassStanding {
  const accounts = new Map<string, Account>();
  for (const user of users) {
    if (!(user.demand > 0)) continue;
    const key = accountOf(user);
    const known = accounts.get(key);
    accounts.set(key, {
      weight: accountWeight(user, weights),
      demand: (known?.demand ?? 0) + user.demand,
      members: user.groupId === undefined ? undefined : joined(known?.members, user, weights),
    });
  }
  const all = [...accounts.values()];
  return { accounts, total: sumOf(all), capacity, level: waterLevel(all, capacity) };
}

/**
 * Whether the caller, who has `demand` requests there, asks for more than their fair share: more than
 * the max-min fair share of the slots, and half as much again as users would have on average if one more came,
 * who must not find a backlog before them. So nobody is over while everything fits, nor are all of two or more,
 * but a lone user is who wants more than all slots. In a group that is over, those are who ask for no less than its average.
 */
export function isOverShare(
  standing: ClassStanding,
  caller: UserDemand,
  weights: Weights,
): boolean {
  const account = standing.accounts.get(accountOf(caller));
  if (!account || !isBeyondShare(account, withNewcomer(standing))) return false;
  const { members } = account;
  if (!members) return true;
  const own = caller.demand / weightOf(weights, { kind: "user", id: caller.userId });
  return own * members.weight >= members.demand;
}

/** Whether the caller's account asks for less than half of what accounts do on average. */
export function isFarBelowAverage({ accounts, total }: ClassStanding, caller: Caller): boolean {
  const { demand, weight } = accounts.get(accountOf(caller)) ?? NOBODY;
  return 2 * demand * total.weight < weight * total.demand;
}

/** The same class with one more account, which has no requests yet. */
function withNewcomer({ accounts, total, level }: ClassStanding) {
  const weight = (total.weight * (accounts.size + 1)) / accounts.size;
  return { level, total: { ...total, weight } };
}

/**
 * About how many requests of the class begin before the caller's newest: everybody is served by weight
 * until the caller's are through. 0 when it starts at once.
 */
export function placeIn(standing: ClassStanding, caller: UserDemand, weights: Weights): number {
  const { accounts, total, capacity } = standing;
  if (total.demand < capacity) return 0;
  const own = accounts.get(accountOf(caller));
  const turn = turnOf(caller, own, weights);
  const rounds = turn / accountWeight(caller, weights);
  let before = turn;
  for (const account of accounts.values()) {
    if (account !== own) before += Math.min(account.demand, rounds * account.weight);
  }
  return Math.max(0, Math.ceil(before) - capacity);
}

/** After how many of its account's requests the caller's newest has its turn. */
function turnOf(caller: UserDemand, account: Account | undefined, weights: Weights): number {
  if (!account?.members) return caller.demand;
  const weight = weightOf(weights, { kind: "user", id: caller.userId });
  return Math.min(account.demand + 1, (caller.demand / weight) * account.members.weight);
}

/** Names the account that a caller's requests are charged to first. No user's id begins like a group's key. */
function accountOf({ userId, groupId }: Caller): string {
  return groupId === undefined ? `user ${userId}` : `group ${groupId}`;
}

function accountWeight({ userId, groupId }: Caller, weights: Weights): number {
  return groupId === undefined
    ? weightOf(weights, { kind: "user", id: userId })
    : weightOf(weights, { kind: "group", id: groupId });
}

function joined(crowd: Claim = NOBODY, { userId, demand }: UserDemand, weights: Weights): Claim {
  return {
    demand: crowd.demand + demand,
    weight: crowd.weight + weightOf(weights, { kind: "user", id: userId }),
  };
}
