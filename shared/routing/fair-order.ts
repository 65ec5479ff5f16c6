import type { PriorityClass } from "../core/domain.ts";

/** Where somebody stands among those that wait for one backend. */
export interface Standing {
  readonly priority: PriorityClass;
  /** Who has an equal part of the class's turns with others: a group, or a user without one. */
  readonly sharer: string;
  /** Who comes again keeps its place by it. */
  readonly arrivedAt: number;
}

interface Share<Item> {
  /** Turns that it has had, or let pass while it did not wait. */
  turns: number;
  readonly line: Item[];
}

interface PriorityLine<Item> {
  readonly shares: Map<string, Share<Item>>;
  /** What a share starts with that comes now: nobody saves up turns. */
  turns: number;
  waiting: number;
}

/**
 * Who waits, in order: strictly by class, within a class a turn for each sharer, and for one sharer first
 * come, first served. Takes time for the sharers and the line of one. Scope: its line's.
 */
export class FairOrder<Item extends Standing> {
  readonly #classes = new Map<PriorityClass, PriorityLine<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** How many sharers it knows: those that wait, and those that had a turn more than others. */
  get remembered(): number {
    let count = 0;
    for (const { shares } of this.#classes.values()) count += shares.size;
    return count;
  }

  /** The most urgent class of which somebody waits. */
  get mostUrgent(): PriorityClass | undefined {
    return this.#size === 0 ? undefined : Math.min(...this.#classes.keys());
  }

  /** How many wait of a class and of more urgent ones. */
  upTo(priority: PriorityClass): number {
    let count = 0;
    for (const [known, { waiting }] of this.#classes) if (known <= priority) count += waiting;
    return count;
  }

  add(item: Item): void {
    const known = this.#classes.get(item.priority);
    const own = known ?? { shares: new Map<string, Share<Item>>(), turns: 0, waiting: 0 };
    if (!known) this.#classes.set(item.priority, own);
    const share = own.shares.get(item.sharer) ?? { turns: own.turns, line: [] };
    own.shares.set(item.sharer, share);
    if (share.line.length === 0) share.turns = Math.max(share.turns, own.turns);
    const before = share.line.findLastIndex(({ arrivedAt }) => arrivedAt <= item.arrivedAt);
    share.line.splice(before + 1, 0, item);
    own.waiting += 1;
    this.#size += 1;
  }

  /** Takes out one that leaves without its turn; does nothing when it does not wait. */
  remove(item: Item): void {
    const own = this.#classes.get(item.priority);
    const line = own?.shares.get(item.sharer)?.line;
    const at = line?.indexOf(item) ?? -1;
    if (!own || !line || at < 0) return;
    line.splice(at, 1);
    this.#left(item.priority, own);
  }

  /** Takes out the one whose turn it is. */
  shift(): Item | undefined {
    const priority = this.mostUrgent;
    const own = priority === undefined ? undefined : this.#classes.get(priority);
    if (priority === undefined || !own) return undefined;
    const share = nextShare(own);
    const item = share?.line.shift();
    if (!share || !item) return undefined;
    own.turns = share.turns;
    share.turns += 1;
    forgetIdle(own);
    this.#left(priority, own);
    return item;
  }

  /** The turn of one that was taken out came to nothing: its sharer has had one less. */
  refund({ priority, sharer }: Item): void {
    const share = this.#classes.get(priority)?.shares.get(sharer);
    if (share) share.turns = Math.max(0, share.turns - 1);
  }

  // A class is forgotten with the last that waits, and so are the turns that its sharers had.
  #left(priority: PriorityClass, own: PriorityLine<Item>): void {
    own.waiting -= 1;
    this.#size -= 1;
    if (own.waiting === 0) this.#classes.delete(priority);
  }
}

/** Whoever waits no more and has had no turn beyond the others' would begin anew all the same. */
function forgetIdle({ shares, turns }: PriorityLine<unknown>): void {
  for (const [sharer, share] of shares) {
    if (share.line.length === 0 && share.turns <= turns) shares.delete(sharer);
  }
}

function nextShare<Item extends Standing>({ shares }: PriorityLine<Item>): Share<Item> | undefined {
  let first: Share<Item> | undefined;
  const isSooner = (share: Share<Item>, than: Share<Item>): boolean =>
    share.turns === than.turns ? headOf(share) < headOf(than) : share.turns < than.turns;
  for (const share of shares.values()) {
    if (share.line.length > 0 && (!first || isSooner(share, first))) first = share;
  }
  return first;
}

const headOf = ({ line }: Share<Standing>): number => line[0]?.arrivedAt ?? 0;
