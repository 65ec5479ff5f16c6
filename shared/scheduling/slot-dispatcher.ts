import type { Clock } from "../core/clock.ts";
import type { PriorityClass } from "../core/domain.ts";
import { Band } from "./band.ts";
import { DrainMeter } from "./drain-meter.ts";
import { ANONYMOUS, type Entry, type SlotDemand } from "./entry.ts";
import { forecastPosition, type Outlook } from "./forecast.ts";
import { HeldSlot } from "./held-slot.ts";
import { LoadCount } from "./load-count.ts";
import { isCount, reservedOf, type SchedulerPolicy, trickleOf } from "./scheduler-policy.ts";
import { SlotHolders } from "./slot-holders.ts";
import { mayStart, type SlotPool, startable, usableSlots } from "./slot-pool.ts";
import { chooseTurn, noteTurn } from "./trickle.ts";

/** Where an entry's end is told. */
export type EntryCallbacks = Pick<Entry, "grant" | "refuse">;

// "Lately" is about this many service times.
const SERVICES_REMEMBERED = 10;
const MIN_MEMORY_MS = 1000;
const MAX_MEMORY_MS = 60_000;

interface Choice {
  readonly band: Band;
  readonly entry: Entry;
  readonly isTrickle: boolean;
}

/**
 * Gives slots to entries: whenever one may start, it has started before the call returns.
 * Scope: its scheduler's.
 */
export class SlotDispatcher {
  readonly users = new LoadCount();
  readonly #clock: Clock;
  readonly #bands: Band[] = [];
  readonly #byPriority = new Map<PriorityClass, Band>();
  readonly #meter: DrainMeter;
  readonly #holders: SlotHolders;
  #policy: SchedulerPolicy;
  #capacity: number;
  #running = 0;
  #waiting = 0;
  #arrivals = 0;
  #grants = 0;

  constructor(options: { capacity: number; clock: Clock; policy: SchedulerPolicy }) {
    this.#clock = options.clock;
    this.#capacity = checkCapacity(options.capacity);
    this.#policy = options.policy;
    this.#meter = new DrainMeter(options.capacity);
    this.#holders = new SlotHolders(options.policy.preemptible);
    this.#applyPolicy();
  }

  get waiting(): number {
    return this.#waiting;
  }

  get pool(): SlotPool<Band> {
    return { capacity: this.#capacity, running: this.#running, classes: this.#bands };
  }

  get outlook(): Outlook {
    return {
      pool: this.pool,
      meter: this.#meter,
      nowMs: this.#clock.now(),
      every: (priority) => trickleOf(this.#policy, priority),
    };
  }

  /** How long the one who has held its slot longest has done so. */
  get oldestAgeMs(): number {
    const nowMs = this.#clock.now();
    return Math.max(0, nowMs - (this.#holders.oldestStartedAt ?? nowMs));
  }

  /** Whether a request of the caller would start at once. */
  isFreeFor({
    priority,
    userId = ANONYMOUS,
    groupId,
  }: Pick<SlotDemand, "priority" | "userId" | "groupId">): boolean {
    if (!mayStart(this.pool, priority)) return false;
    // Whoever waits though a slot is free leaves it to users within their share, not to the less urgent.
    if (this.#bands.some((band) => band.priority < priority && band.waiting > 0)) return false;
    const band = this.#byPriority.get(priority);
    return !band?.isHeldBack({ userId, groupId }) || this.#hasSpare(band);
  }

  /** Puts a request in line; it may be granted before this returns. Throws a RangeError. */
  enter(demand: SlotDemand, callbacks: EntryCallbacks): Entry {
    const entry = this.#toEntry(demand, callbacks);
    this.#meter.arrived(entry.priority, entry.enqueuedAt);
    this.#band(entry.priority).enter(entry);
    this.#observe(entry);
    this.#waiting += 1;
    this.users.add(entry.userId, { waiting: 1, running: 0 });
    if (this.#waiting === 1 && entry.position > 0) this.#meter.saturated();
    this.#dispatch();
    return entry;
  }

  /** Takes a waiting entry out of the line: who stood behind one that was held back may start. */
  withdraw(entry: Entry): void {
    this.#leave(entry);
    this.#dispatch();
  }

  #leave(entry: Entry): void {
    this.#band(entry.priority).withdraw(entry);
    this.#observe(entry);
    this.#waiting -= 1;
    this.users.add(entry.userId, { waiting: -1, running: 0 });
    if (this.#waiting === 0) this.#meter.drained();
  }

  resize(capacity: number): void {
    this.#capacity = checkCapacity(capacity);
    this.#meter.resize(capacity);
    this.#applyPolicy();
    this.#dispatch();
  }

  reconfigure(policy: SchedulerPolicy): void {
    this.#policy = policy;
    this.#holders.preemptible = policy.preemptible;
    this.#applyPolicy();
    this.#dispatch();
  }

  /** A holder is done. */
  released(slot: HeldSlot, actualCost: number | undefined): void {
    const { entry } = slot;
    this.#holders.remove(slot);
    this.#running -= 1;
    this.users.add(entry.userId, { waiting: 0, running: -1 });
    this.#band(entry.priority).finish(entry, slot.costOf(actualCost));
    this.#observe(entry);
    if (!slot.isPreempted) {
      this.#meter.finished(entry.priority, Math.max(0, this.#clock.now() - slot.startedAt));
    }
    this.#dispatch(slot.isPreempted);
  }

  /** A holder's first byte went out. */
  delivered(slot: HeldSlot): void {
    this.#holders.protect(slot);
  }

  /** A slot that was handed over goes to whom it was taken for: the most urgent. */
  #dispatch(isHandover = false): void {
    // Nobody waits while slots are free: then there is nothing to choose from.
    for (let isFirst = true; this.#waiting > 0; isFirst = false) {
      const next = this.#choose(isFirst && isHandover);
      if (!next) break;
      this.#grant(next);
    }
    if (this.#waiting > 0) this.#preempt();
  }

  #choose(isHandover: boolean): Choice | undefined {
    for (;;) {
      const bands = this.#servable();
      const turns = bands.map(({ turn }) => turn);
      const chosen = isHandover ? 0 : chooseTurn(turns);
      const band = bands[chosen];
      const entry = band?.next(this.#hasSpare(band));
      if (!band || !entry) return undefined;
      // A signal may tell others first, who give slots back before this entry has left.
      if (entry.signal?.aborted || entry.expiresAt <= this.#clock.now()) {
        this.#leave(entry);
        entry.refuse();
        continue;
      }
      if (!isHandover) noteTurn(turns, chosen, this.#grants);
      return { band, entry, isTrickle: chosen > 0 };
    }
  }

  /** Who may start, most urgent first; nothing passes a class that waits though a slot is free. */
  #servable(): Band[] {
    const bands = startable(this.pool);
    if (this.#policy.headroom === 0) return bands;
    const heldBack = bands.findIndex((band) => !band.next(this.#hasSpare(band)));
    return heldBack < 0 ? bands : bands.slice(0, heldBack);
  }

  /** Whether a slot would be free for users within their share after one more was taken. */
  #hasSpare({ priority, spared }: Band): boolean {
    return spared === 0 || mayStart({ ...this.pool, running: this.#running + spared }, priority);
  }

  #observe(entry: Entry): void {
    const { headroom } = this.#policy;
    if (headroom === 0) return;
    const { priority } = entry;
    const meanMs = this.#meter.serviceMs(priority) ?? 0;
    this.#band(priority).observe(entry, {
      capacity: Math.max(1, usableSlots(this.pool, priority) - this.#runningAbove(priority)),
      headroom,
      nowMs: this.#clock.now(),
      memoryMs: Math.min(Math.max(SERVICES_REMEMBERED * meanMs, MIN_MEMORY_MS), MAX_MEMORY_MS),
    });
  }

  #runningAbove(priority: PriorityClass): number {
    return this.#bands.reduce(
      (sum, band) => (band.priority < priority ? sum + band.running : sum),
      0,
    );
  }

  #grant({ band, entry, isTrickle }: Choice): void {
    const nowMs = this.#clock.now();
    band.start(entry);
    this.#observe(entry);
    if (isTrickle) band.trickleGrants += 1;
    this.#grants += 1;
    this.#waiting -= 1;
    this.#running += 1;
    this.users.add(entry.userId, { waiting: -1, running: 1 });
    if (entry.position > 0) this.#meter.granted(nowMs, this.#waiting);
    const slot = new HeldSlot(entry, { owner: this, number: this.#grants, nowMs, isTrickle });
    this.#holders.add(slot);
    entry.grant(slot);
  }

  /** For the most urgent class there is, asks as many holders to give way as there are that wait. */
  #preempt(): void {
    for (;;) {
      const present = this.#bands.find(({ waiting, running }) => waiting > 0 || running > 0);
      if (!present || this.#holders.asked >= present.waiting) return;
      const victim = this.#holders.preempt(present.priority);
      if (!victim) return;
      this.#band(victim.entry.priority).preemptions += 1;
      try {
        victim.entry.onPreempt?.();
      } catch {
        // A holder that cannot be asked keeps its slot until it is done: not the fault of who waits.
      }
    }
  }

  #toEntry(demand: SlotDemand, callbacks: EntryCallbacks): Entry {
    const { priority, userId = ANONYMOUS, groupId, cost = 1 } = demand;
    if (!isCount(priority, 1)) throw new RangeError(`${priority} is not a priority class`);
    if (!(cost > 0 && Number.isFinite(cost))) {
      throw new RangeError(`a request's cost must be a positive number, not ${cost}`);
    }
    const nowMs = this.#clock.now();
    if (demand.place === undefined) this.#arrivals = Math.max(this.#arrivals + 1, nowMs);
    return {
      ...callbacks,
      number: demand.place ?? this.#arrivals,
      priority,
      userId,
      groupId,
      cost,
      enqueuedAt: nowMs,
      expiresAt: demand.expiresAt ?? Number.POSITIVE_INFINITY,
      signal: demand.signal,
      position: this.isFreeFor(demand)
        ? 0
        : Math.max(1, forecastPosition(this.outlook, { priority, userId, groupId })),
      onPreempt: demand.onPreempt,
      isOver: demand.isOver ?? false,
      path: [],
      previous: undefined,
      next: undefined,
    };
  }

  #band(priority: PriorityClass): Band {
    const known = this.#byPriority.get(priority);
    if (known) return known;
    const every = trickleOf(this.#policy, priority);
    const band = new Band(priority, { every, weights: this.#policy.weights });
    this.#byPriority.set(priority, band);
    this.#bands.push(band);
    this.#bands.sort((a, b) => a.priority - b.priority);
    return band;
  }

  #applyPolicy(): void {
    const reserved = reservedOf(this.#policy, this.#capacity);
    for (const priority of this.#policy.reservations.keys()) this.#band(priority);
    for (const band of this.#bands) {
      band.reserved = reserved(band.priority);
      const { weights } = this.#policy;
      band.configure({ every: trickleOf(this.#policy, band.priority), weights });
    }
  }
}

function checkCapacity(capacity: number): number {
  if (isCount(capacity, 1)) return capacity;
  throw new RangeError(`a pool needs at least one slot, not ${capacity}`);
}
