import { type Flow, type FlowKind, openFlow } from "./flow.ts";
import { IndexedHeap } from "./indexed-heap.ts";

// Idle debtors that are remembered however few flows wait; above it, two for each flow that waits.
const MIN_REMEMBERED = 16;

/**
 * Divides service between flows by weight: start-time fair queuing (Goyal, Vin, Cheng 1996). Each
 * grant moves a flow's tag on by cost / weight and the flow with the smallest start tag is next:
 * O(log n) for n flows.
 *
 * Virtual time here also moves by cost / (weight of all that wait), as in WF2Q+. With the plain rule,
 * the start tag in service, it would stand still while new users keep coming one by one, and they
 * would pass a backlogged user for ever. It runs at most one quantum ahead of the smallest start tag,
 * so for flows f and m that wait throughout an interval
 *
 *   | work(f) / weight(f) - work(m) / weight(m) |
 *     <= cost(f) / weight(f) + cost(m) / weight(m) + largest cost / smallest weight
 *
 * with the largest single costs. Scope: one band, or one group in it.
 */
export class FairShare {
  readonly #flows = { user: new Map<string, Flow>(), group: new Map<string, Flow>() };
  /** Flows that wait: within their share, and over it. */
  readonly #within = new IndexedHeap<Flow>(startsBefore);
  readonly #over = new IndexedHeap<Flow>(startsBefore);
  /** Flows without entries that still owe something, the first to be free of debt first. */
  readonly #idle = new IndexedHeap<Flow>((a, b) => a.finishTag < b.finishTag);
  #virtualTime = 0;
  #weight = 0;

  /** The weight of all flows that wait. */
  get weight(): number {
    return this.#weight;
  }

  /** How many flows take up memory. */
  get size(): number {
    return this.#flows.user.size + this.#flows.group.size;
  }

  flows(kind: FlowKind): Iterable<Flow> {
    return this.#flows[kind].values();
  }

  find(kind: FlowKind, id: string): Flow | undefined {
    return this.#flows[kind].get(id);
  }

  /** The flow of this user or group, new where it owes nothing and has no entries. */
  open(kind: FlowKind, id: string): Flow {
    const known = this.find(kind, id);
    if (known) return known;
    const flow = openFlow(kind, id, kind === "group" ? new FairShare() : undefined);
    this.#flows[kind].set(id, flow);
    return flow;
  }

  /** Whose turn it is. */
  next(): Flow | undefined {
    const [within, over] = [this.#within.peek(), this.#over.peek()];
    if (!within || !over) return within ?? over;
    return startsBefore(over, within) ? over : within;
  }

  /** Whose turn it is among those within their share. */
  nextWithin(): Flow | undefined {
    return this.#within.peek();
  }

  /** Says whether a flow is over its share. */
  judge(flow: Flow, isOver: boolean): void {
    if (flow.isOver === isOver) return;
    if (flow.waiting > 0) this.#ready(flow).remove(flow);
    flow.isOver = isOver;
    if (flow.waiting > 0) this.#ready(flow).add(flow);
  }

  /** How far beyond the present an entry would start that the flow added now. */
  debt(flow: Flow): number {
    const tag = flow.waiting > 0 ? flow.startTag : flow.finishTag;
    return Math.max(0, tag - this.#virtualTime);
  }

  /** The flow begins to wait. */
  join(flow: Flow, weight: number): void {
    if (flow.heapIndex >= 0) this.#idle.remove(flow);
    flow.weight = weight;
    flow.startTag = Math.max(this.#virtualTime, flow.finishTag);
    this.#weight += weight;
    this.#ready(flow).add(flow);
  }

  /** The flow's oldest entry is another one now. */
  reorder(flow: Flow): void {
    this.#ready(flow).update(flow);
  }

  /** The flow's last entry left without service. */
  leave(flow: Flow): void {
    this.#ready(flow).remove(flow);
    this.#weight = this.#readyCount === 0 ? 0 : this.#weight - flow.weight;
    this.settle(flow);
    if (this.#readyCount === 0) this.#forgive();
  }

  /** The flow was served: `flow.waiting` says whether it goes on waiting, now with this weight. */
  charge(flow: Flow, cost: number, weight: number): void {
    const served = flow.startTag;
    this.#weight += weight - flow.weight;
    flow.weight = weight;
    flow.quantum = Math.max(flow.quantum, cost);
    flow.finishTag = served + cost / weight;
    flow.startTag = flow.finishTag;
    const moved = this.#virtualTime + cost / this.#weight;
    if (flow.waiting > 0) this.#ready(flow).update(flow);
    else this.leave(flow);
    const smallest = this.next()?.startTag ?? Number.POSITIVE_INFINITY;
    const reached = Math.min(moved, smallest + cost / weight);
    this.#virtualTime = Math.max(this.#virtualTime, served, reached);
    this.#forgive();
  }

  /** Replaces the cost that the flow was charged for a running entry. */
  correct(flow: Flow, charged: number, actual: number): void {
    flow.quantum = Math.max(flow.quantum, actual);
    flow.finishTag += (actual - charged) / flow.weight;
    if (flow.waiting === 0) return;
    // A refund never moves it ahead of those who come now.
    flow.startTag =
      actual > charged
        ? Math.max(flow.startTag, flow.finishTag)
        : Math.min(flow.startTag, Math.max(this.#virtualTime, flow.finishTag));
    this.#ready(flow).update(flow);
  }

  /** Old load is forgotten: an idle flow owes one quantum at most, and none when nobody waits. */
  settle(flow: Flow): void {
    if (flow.waiting > 0 || flow.running > 0) return;
    const most = this.#virtualTime + flow.quantum / flow.weight;
    flow.finishTag = Math.min(flow.finishTag, most);
    if (this.#readyCount === 0 || flow.finishTag <= this.#virtualTime) this.#forget(flow);
    else this.#idle.add(flow);
    if (this.#idle.size > MIN_REMEMBERED + 2 * this.#readyCount) this.#forgetFirst();
  }

  #ready(flow: Flow): IndexedHeap<Flow> {
    return flow.isOver ? this.#over : this.#within;
  }

  get #readyCount(): number {
    return this.#within.size + this.#over.size;
  }

  #forgive(): void {
    const isOver = this.#readyCount === 0;
    for (let flow = this.#idle.peek(); flow; flow = this.#idle.peek()) {
      if (!isOver && flow.finishTag > this.#virtualTime) break;
      this.#forgetFirst();
    }
    // Tags begin anew whenever nothing refers to them, so that they keep their precision.
    if (this.size === 0) this.#virtualTime = 0;
  }

  #forgetFirst(): void {
    const flow = this.#idle.shift();
    if (flow) this.#forget(flow);
  }

  #forget(flow: Flow): void {
    this.#flows[flow.kind].delete(flow.id);
  }
}

function startsBefore(a: Flow, b: Flow): boolean {
  if (a.startTag !== b.startTag) return a.startTag < b.startTag;
  return a.headNumber < b.headNumber;
}
