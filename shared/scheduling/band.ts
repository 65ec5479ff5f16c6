import type { PriorityClass } from "../core/domain.ts";
import type { Entry } from "./entry.ts";
import { FairShare } from "./fair-share.ts";
import { type Flow, type FlowKind, flowKey, ofFlowKey } from "./flow.ts";
import { type HouseNow, RecentDemand } from "./recent-demand.ts";
import { createTurn, restartTurn, type Turn } from "./trickle.ts";
import { type Weights, weightOf } from "./weights.ts";

// A user over their share who holds fewer slots than all may hold has one of ten grants at least.
const PASSED_OVER_AT_MOST = 9;

/** Whose entries are meant. */
export interface Caller {
  readonly userId: string;
  readonly groupId?: string | undefined;
}

/**
 * One priority class: who waits in it, in fair order. Users without a group and groups share the
 * band; a group's users share what the group gets. Scope: its scheduler's.
 */
export class Band {
  readonly priority: PriorityClass;
  readonly turn: Turn;
  /** Slots that only this class and more urgent ones may use. */
  reserved = 0;
  waiting = 0;
  running = 0;
  grants = 0;
  trickleGrants = 0;
  preemptions = 0;
  readonly #share = new FairShare();
  readonly #recent = new RecentDemand();
  #passedOver = 0;
  #weights: Weights;

  constructor(priority: PriorityClass, { every, weights }: { every: number; weights: Weights }) {
    this.priority = priority;
    this.turn = createTurn(every);
    this.#weights = weights;
  }

  /** Weights take effect for each flow when it is next served. */
  configure({ every, weights }: { every: number; weights: Weights }): void {
    this.turn.every = every;
    this.turn.remaining = Math.min(this.turn.remaining, every);
    this.#weights = weights;
  }

  /** How many users and groups the band remembers. */
  get remembered(): number {
    let count = this.#share.size;
    for (const group of this.#share.flows("group")) count += group.members?.size ?? 0;
    return count;
  }

  /** When the one who has waited longest came. O(users): for telemetry. */
  get oldestEnqueuedAt(): number | undefined {
    let oldest: number | undefined;
    for (const { line } of this.#users()) {
      const cameAt = line.first?.enqueuedAt ?? Number.POSITIVE_INFINITY;
      if (cameAt < (oldest ?? Number.POSITIVE_INFINITY)) oldest = cameAt;
    }
    return oldest;
  }

  /** How many slots those over their share leave free for the others. */
  get spared(): number {
    return this.#recent.spared;
  }

  /** Whether the caller is over their share, and holds as many slots as they may then. */
  isHeldBack(caller: Caller): boolean {
    const flow = this.#share.find(...accountOf(caller));
    return flow?.isOver === true && !this.#mayHoldMore(flow);
  }

  /** Notes how many requests the caller's account has now, for who is over their share. */
  observe(caller: Caller, now: HouseNow): void {
    const [kind, id] = accountOf(caller);
    const weight = weightOf(this.#weights, { kind, id });
    const known = this.#share.find(kind, id);
    const { waiting = 0, running = 0, foundOver = 0 } = known ?? {};
    const load = { waiting, running, isFoundOver: foundOver > 0 };
    this.#recent.note(known?.key ?? flowKey(kind, id), load, { weight, now });
    for (const key of this.#recent.refresh(now)) {
      const flow = this.#share.find(...ofFlowKey(key));
      if (flow) this.#judge(flow);
    }
  }

  /**
   * Whose turn it is: those within their share first, but no more than so many times in a row. Without
   * slots to spare, those over their share get none beyond what everybody may hold.
   */
  next(hasSpare: boolean): Entry | undefined {
    const flow = this.#nextFlow(hasSpare);
    return (flow?.members?.next() ?? flow)?.line.first;
  }

  #nextFlow(hasSpare: boolean): Flow | undefined {
    const inTurn = this.#share.next();
    if (!inTurn?.isOver) return inTurn;
    const within = this.#share.nextWithin();
    if (!this.#mayHoldMore(inTurn)) return within ?? (hasSpare ? inTurn : undefined);
    return this.#passedOver < PASSED_OVER_AT_MOST ? (within ?? inTurn) : inTurn;
  }

  #mayHoldMore(flow: Flow): boolean {
    return this.#recent.isBelowPart(flow.key, flow);
  }

  #judge(flow: Flow): void {
    this.#share.judge(flow, this.#recent.isOver(flow.key));
  }

  enter(entry: Entry): void {
    const path = this.#open(entry);
    entry.path = path;
    countFound(entry, 1);
    path.at(-1)?.line.add(entry);
    if (this.waiting === 0) restartTurn(this.turn);
    this.waiting += 1;
    // Inside out: a group's turn depends on its users.
    for (let level = path.length - 1; level >= 0; level--) {
      const flow = path[level];
      if (!flow) continue;
      const isOldest = flow.waiting === 0 || entry.number < flow.headNumber;
      flow.waiting += 1;
      if (!isOldest) continue;
      flow.headNumber = entry.number;
      const share = this.#shareAt(path, level);
      if (flow.waiting > 1) share.reorder(flow);
      else share.join(flow, weightOf(this.#weights, flow));
    }
  }

  /** Lets the entry wait no more and begin to run. It is the one that {@link next} named. */
  start(entry: Entry): void {
    const inTurn = this.#share.next();
    if (inTurn === entry.path[0]) this.#passedOver = 0;
    else if (inTurn?.isOver && this.#mayHoldMore(inTurn)) this.#passedOver += 1;
    this.#depart(entry, (share, flow) => {
      flow.running += 1;
      share.charge(flow, entry.cost, weightOf(this.#weights, flow));
    });
    this.running += 1;
    this.grants += 1;
  }

  /** Takes out one that leaves without service. */
  withdraw(entry: Entry): void {
    countFound(entry, -1);
    this.#depart(entry, (share, flow) => {
      if (flow.waiting === 0) share.leave(flow);
      else share.reorder(flow);
    });
  }

  /** A running entry is done and has cost this much. */
  finish(entry: Entry, actualCost: number): void {
    const { path, cost } = entry;
    this.running -= 1;
    countFound(entry, -1);
    for (let level = path.length - 1; level >= 0; level--) {
      const flow = path[level];
      if (!flow) continue;
      flow.running -= 1;
      const share = this.#shareAt(path, level);
      share.correct(flow, cost, actualCost);
      share.settle(flow);
    }
  }

  /**
   * About how many of the band's entries come before one that the caller added now: each waiting flow
   * is served by its weight until the caller's backlog is through.
   */
  ahead({ userId, groupId }: Caller): number {
    const inBand = (kind: FlowKind, id: string, place: number): number =>
      Math.min(this.#turn(this.#share, { kind, id }, place), this.waiting + 1) - 1;
    if (groupId === undefined) {
      return inBand("user", userId, (this.#share.find("user", userId)?.waiting ?? 0) + 1);
    }
    const group = this.#share.find("group", groupId);
    if (!group?.members) return inBand("group", groupId, 1);
    const own = (group.members.find("user", userId)?.waiting ?? 0) + 1;
    const turn = this.#turn(group.members, { kind: "user", id: userId }, own);
    return inBand("group", groupId, Math.min(turn, group.waiting + 1));
  }

  /** After about how many of the share's grants the flow has had `place` of them. */
  #turn(share: FairShare, { kind, id }: Pick<Flow, "kind" | "id">, place: number): number {
    const flow = share.find(kind, id);
    const weight = weightOf(this.#weights, { kind, id });
    const total = share.weight + (flow && flow.waiting > 0 ? 0 : weight);
    const rounds = place / weight + (flow ? share.debt(flow) : 0);
    return Math.ceil(rounds * total);
  }

  *#users(): Iterable<Flow> {
    yield* this.#share.flows("user");
    for (const group of this.#share.flows("group")) yield* group.members?.flows("user") ?? [];
  }

  #open({ userId, groupId }: Entry): readonly Flow[] {
    const [kind, id] = accountOf({ userId, groupId });
    const account = this.#share.open(kind, id);
    this.#judge(account);
    if (groupId === undefined) return [account];
    const group = account;
    const user = group.members?.open("user", userId);
    return user ? [group, user] : [group];
  }

  #shareAt(path: readonly Flow[], level: number): FairShare {
    return (level > 0 ? path[level - 1]?.members : undefined) ?? this.#share;
  }

  #depart(entry: Entry, settle: (share: FairShare, flow: Flow) => void): void {
    const { path } = entry;
    path.at(-1)?.line.remove(entry);
    this.waiting -= 1;
    for (let level = path.length - 1; level >= 0; level--) {
      const flow = path[level];
      if (!flow) continue;
      flow.waiting -= 1;
      const head = flow.members ? flow.members.next()?.headNumber : flow.line.first?.number;
      flow.headNumber = head ?? flow.headNumber;
      settle(this.#shareAt(path, level), flow);
    }
  }
}

/** Counts an entry of a caller whom all instances found over their share. */
function countFound({ isOver, path: [account] }: Entry, change: number): void {
  if (isOver && account) account.foundOver += change;
}

/** The account in the band that a caller's requests are charged to. */
function accountOf({ userId, groupId }: Caller): readonly [kind: FlowKind, id: string] {
  return groupId === undefined ? ["user", userId] : ["group", groupId];
}
