import type { Load } from "./load-count.ts";
import { type Claim, isBeyondShare, sumOf, waterLevel } from "./water-level.ts";

/** The house that an account's demand is held against. */
export interface HouseNow {
  /** Slots that the class may use now. */
  readonly capacity: number;
  /** The largest part of them that is kept free. */
  readonly headroom: number;
  readonly nowMs: number;
  /** Demand is forgotten over about this time. */
  readonly memoryMs: number;
}

/** How many of an account's requests wait and run now. */
export interface AccountLoad extends Load {
  /** Some of them came from where all instances together found their caller over the share. */
  readonly isFoundOver: boolean;
}

interface Recent extends Claim {
  weight: number;
  load: AccountLoad;
  /** How many ran lately, and how many waited or ran: the older, the less they count. */
  use: number;
  demand: number;
  at: number;
  isOver: boolean;
}

const NONE: readonly string[] = [];
const NOBODY = { level: Number.POSITIVE_INFINITY, total: sumOf([]) };

// Below this, a user's demand has as good as gone.
const NEGLIGIBLE = 0.01;
// Who asks for less than a twentieth of a slot keeps none free.
const LEAST_DEMAND = 0.05;
// So many requests more than others have may be chance.
const CHANCE_EXCESS = 2;
// Who had less than half of an equal part lately takes nothing from anybody, whatever they ask for.
const SERVED_PART = 1 / 2;
const CHANGES_BETWEEN = 8;
const CHANGED_PART = 1 / 4;

/**
 * What the accounts of a class have asked for and had lately, in slots; by that, who is over their
 * share, and how many slots stand ready for the others. Scope: one band.
 */
export class RecentDemand {
  readonly #accounts = new Map<string, Recent>();
  #changes = 0;
  #spared = 0;
  #perWeight = Number.POSITIVE_INFINITY;

  /** How many slots those over their share leave free. */
  get spared(): number {
    return this.#spared;
  }

  /** Whether an account has held, and holds, fewer slots than would be its part if all took theirs. */
  isBelowPart(key: string, { running, weight }: { running: number; weight: number }): boolean {
    const part = this.#perWeight * weight;
    const use = this.#accounts.get(key)?.use ?? 0;
    return use < part && running < Math.max(1, Math.floor(part));
  }

  isOver(key: string): boolean {
    return this.#accounts.get(key)?.isOver ?? false;
  }

  /** An account has so many requests from now on. */
  note(key: string, load: AccountLoad, { weight, now }: { weight: number; now: HouseNow }): void {
    const account = this.#accounts.get(key) ?? newAccount(now.nowMs);
    advance(account, now);
    account.load = load;
    account.weight = weight;
    this.#accounts.set(key, account);
    this.#changes += 1;
  }

  /** Judges anew after enough has changed, so that a change costs O(log n) on average; names whose judgement changed. */
  refresh(now: HouseNow): readonly string[] {
    if (this.#changes < CHANGES_BETWEEN + this.#accounts.size * CHANGED_PART) return NONE;
    this.#changes = 0;
    const changed: string[] = [];
    for (const [key, account] of this.#accounts) {
      advance(account, now);
      if (!isForgotten(account)) continue;
      this.#accounts.delete(key);
      if (account.isOver) changed.push(key);
    }
    const all = [...this.#accounts.values()];
    const total = sumOf(all);
    const level = waterLevel(all, now.capacity);
    this.#perWeight = now.capacity / total.weight;
    const present = presentOf(all, now.capacity);
    let within = 0;
    for (const [key, account] of this.#accounts) {
      const isOver =
        (isBeyondShare(account, { level, total }) && this.#isTaking(account, total)) ||
        (account.load.isFoundOver && isFarBeyond(claimNow(account), present));
      if (isOver !== account.isOver) changed.push(key);
      account.isOver = isOver;
      if (!account.isOver) within += account.demand;
    }
    this.#spared = headroomFor(within, now);
    return changed;
  }

  /**
   * Demand alone misleads: of a user's requests on several instances some more than usual may be here by
   * chance, and who is put behind for that keeps them waiting here, which looks like demand again.
   */
  #isTaking({ demand, use, weight }: Recent, total: Claim): boolean {
    return (
      excessOf({ demand, weight }, total) > CHANCE_EXCESS &&
      use > SERVED_PART * this.#perWeight * weight
    );
  }
}

/**
 * How many slots to keep free for users within their share who ask for `demand` slots on average. Their
 * number at work varies by about the square root of that (as of any who come independently), and more
 * than they would leave idle among themselves is not kept.
 */
export function headroomFor(
  demand: number,
  { capacity, headroom }: Pick<HouseNow, "capacity" | "headroom">,
): number {
  if (demand < LEAST_DEMAND) return 0;
  const spread = Math.ceil(Math.sqrt(demand));
  return Math.max(
    0,
    Math.min(spread, Math.ceil(capacity - demand), Math.floor(capacity * headroom)),
  );
}

interface Present {
  readonly level: number;
  readonly total: Claim;
}

const claimNow = ({ weight, load: { waiting, running } }: Recent): Claim => ({
  weight,
  demand: waiting + running,
});

/** What is there now; worth its cost only where an account is found over its share. */
function presentOf(accounts: readonly Recent[], capacity: number): Present {
  if (!accounts.some(({ load }) => load.isFoundOver)) return NOBODY;
  const claims = accounts.map(claimNow);
  return { level: waterLevel(claims, capacity), total: sumOf(claims) };
}

/** Whoever was found over their share elsewhere need not be watched for long before it counts here. */
const isFarBeyond = (claim: Claim, present: Present): boolean =>
  isBeyondShare(claim, present) && excessOf(claim, present.total) > CHANCE_EXCESS;

const excessOf = ({ demand, weight }: Claim, total: Claim): number =>
  demand - (weight * total.demand) / total.weight;

const newAccount = (at: number): Recent => ({
  weight: 1,
  load: { waiting: 0, running: 0, isFoundOver: false },
  use: 0,
  demand: 0,
  at,
  isOver: false,
});

const isForgotten = ({ load, demand }: Recent): boolean =>
  load.waiting + load.running === 0 && demand < NEGLIGIBLE;

function advance(account: Recent, { nowMs, memoryMs }: HouseNow): void {
  // Many changes fall into one millisecond, in which nothing is forgotten.
  if (nowMs === account.at) return;
  const { waiting, running } = account.load;
  const kept = Math.exp(-Math.max(0, nowMs - account.at) / memoryMs);
  account.use = running + (account.use - running) * kept;
  account.demand = waiting + running + (account.demand - waiting - running) * kept;
  account.at = nowMs;
}
