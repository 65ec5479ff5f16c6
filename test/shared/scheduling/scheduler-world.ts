import { expect } from "vitest";
import type { Clock } from "../../../shared/core/clock.ts";
import type { PriorityClass } from "../../../shared/core/domain.ts";
import { FairScheduler, type Slot } from "../../../shared/scheduling/index.ts";
import { hasSlotFor, type PoolModel } from "./slot-model.ts";

export const CLASSES = [1, 2, 3, 5];
export const TRICKLE = new Map([
  [1, 6],
  [2, 6],
  [3, 8],
  [5, 9],
]);
export const PREEMPTIBLE = new Set([3, 5]);

export interface Arrival {
  readonly priority: PriorityClass;
  readonly user: number;
  readonly group: number | undefined;
  readonly cost: number;
  readonly ttlMs: number | undefined;
  readonly givesWay: "at once" | "later" | "never";
}

interface Request extends Arrival {
  readonly number: number;
  readonly controller: AbortController;
  readonly expiresAt: number;
  state: "waiting" | "running" | "done";
  slot?: Slot;
  outcomes: number;
  asked: number;
  hasDelivered: boolean;
}

/** Any pick from a list, by a number that a property chose. */
const pick = <Item>(items: readonly Item[], index: number): Item | undefined =>
  items[index % Math.max(1, items.length)];

/**
 * Drives a scheduler and holds every grant against a plain model of what is promised.
 * Scope: one run of a property.
 */
export class SchedulerWorld {
  readonly clock: Clock & { nowMs: number } = {
    nowMs: 1_000,
    now: () => this.clock.nowMs,
    schedule: () => () => {},
  };
  readonly scheduler: FairScheduler;
  readonly requests: Request[] = [];
  /** What was told since the last check, in its order. */
  readonly #told: { request: Request; slot?: Slot }[] = [];
  #model: PoolModel;
  readonly #hasPreemption: boolean;
  /** Grants that went to another class than the most urgent one that could have had them. */
  #outOfTurn = 0;
  #reservationsSeen: boolean;
  /** Grants that a class could have had since it began to wait or was last served. */
  readonly #passed = new Map<PriorityClass, number>();

  constructor(model: PoolModel, { hasPreemption }: { hasPreemption: boolean }) {
    this.#model = model;
    this.#hasPreemption = hasPreemption;
    this.#reservationsSeen = model.reservations.size > 0;
    this.scheduler = new FairScheduler({
      ...model,
      clock: this.clock,
      maxQueueLength: 30,
      trickle: TRICKLE,
      preemptible: hasPreemption ? PREEMPTIBLE : new Set(),
    });
  }

  arrive(arrival: Arrival): void {
    const request: Request = {
      ...arrival,
      number: this.requests.length,
      controller: new AbortController(),
      expiresAt: this.clock.nowMs + (arrival.ttlMs ?? Number.POSITIVE_INFINITY),
      state: "waiting",
      outcomes: 0,
      asked: 0,
      hasDelivered: false,
    };
    this.requests.push(request);
    this.scheduler
      .acquire({
        ...toDemand(request),
        signal: request.controller.signal,
        isLimited: request.number % 2 === 0,
        onPreempt: arrival.givesWay === "never" ? undefined : () => this.#onPreempt(request),
      })
      .then(
        (slot) => {
          request.outcomes += 1;
          request.slot = slot;
          this.#told.push({ request, slot });
        },
        () => {
          request.outcomes += 1;
          this.#told.push({ request });
        },
      );
  }

  tryAcquire(arrival: Arrival): void {
    const wasFree = hasSlotFor(this.#model, this.#classes("running"), arrival.priority);
    const slot = this.scheduler.tryAcquire({ priority: arrival.priority, userId: "try" });
    expect(slot !== undefined).toBe(wasFree);
    slot?.release();
  }

  release(index: number, actualCost: number | undefined): void {
    const request = pick(this.#in("running"), index);
    if (request) this.#release(request, actualCost);
  }

  leave(index: number): void {
    pick(this.#in("waiting"), index)?.controller.abort(new Error("left"));
  }

  deliver(index: number): void {
    const request = pick(this.#in("running"), index);
    request?.slot?.delivered();
    if (request) request.hasDelivered = true;
  }

  resize(capacity: number): void {
    this.#model = { ...this.#model, capacity };
    this.scheduler.resize(capacity);
  }

  reserve(reservations: PoolModel["reservations"]): void {
    this.#model = { ...this.#model, reservations };
    this.#reservationsSeen ||= reservations.size > 0;
    this.scheduler.reconfigure({ reservations });
  }

  /** Lets the outcomes be told, and holds them against the model. */
  async check(): Promise<void> {
    for (let round = 0; round < 4; round++) await Promise.resolve();
    for (const { request, slot } of this.#told.splice(0)) {
      if (slot) this.#checkGrant(request);
      else request.state = "done";
    }
    this.#forgetServed();
    this.#checkNobodyIsLeftOut();
    this.#checkCounts();
  }

  /** Ends everything; nothing may be left behind. */
  async end(): Promise<void> {
    for (const request of this.#in("waiting")) {
      if (request.number % 3 === 0) request.controller.abort(new Error("left"));
    }
    await this.check();
    for (let running = this.#in("running"); running.length > 0; running = this.#in("running")) {
      this.release(0, undefined);
      await this.check();
    }
    expect(this.#in("waiting")).toEqual([]);
    expect(this.requests.filter(({ outcomes }) => outcomes !== 1)).toEqual([]);
    const { running, waiting, users, remembered } = this.scheduler.snapshot();
    expect({ running, waiting, users, remembered }).toEqual({
      running: 0,
      waiting: 0,
      users: 0,
      remembered: 0,
    });
  }

  #release(request: Request, actualCost?: number): void {
    request.state = "done";
    request.slot?.release(actualCost);
    request.slot?.release(actualCost);
  }

  #onPreempt(victim: Request): void {
    victim.asked += 1;
    expect(victim).toMatchObject({ asked: 1, hasDelivered: false });
    expect(PREEMPTIBLE.has(victim.priority)).toBe(true);
    const outstanding = this.requests.filter(({ state, asked }) => state !== "done" && asked > 0);
    const { classes } = this.scheduler.snapshot();
    const present = classes.find(({ waiting, running }) => waiting > 0 || running > 0);
    expect(present?.priority).toBeLessThan(victim.priority);
    expect(outstanding.length).toBeLessThanOrEqual(present?.waiting ?? 0);
    if (victim.givesWay === "at once") this.#release(victim);
  }

  #checkGrant(request: Request): void {
    const { priority, user, group, number } = request;
    const waiting = this.#in("waiting");
    const running = this.#classes("running");
    const couldHaveHadIt = CLASSES.filter(
      (other) =>
        waiting.some((one) => one.priority === other) && hasSlotFor(this.#model, running, other),
    );
    expect(couldHaveHadIt).toContain(priority);
    request.state = "running";
    expect(request.controller.signal.aborted).toBe(false);
    expect(request.expiresAt).toBeGreaterThan(this.clock.nowMs);
    const sameLine = waiting.filter((one) => one.priority === priority && one.user === user);
    const overtaken = sameLine.filter((one) => one.group === group && one.number < number);
    expect(overtaken).toEqual([]);
    if (priority !== couldHaveHadIt[0]) this.#outOfTurn += 1;
    // Which grant of a step hands over a preempted slot cannot be seen from outside.
    if (!this.#hasPreemption) this.#checkTurns(priority, couldHaveHadIt);
  }

  #checkTurns(priority: PriorityClass, couldHaveHadIt: readonly PriorityClass[]): void {
    const below = CLASSES.length - 1;
    for (const other of couldHaveHadIt) {
      const passed = other === priority ? 0 : (this.#passed.get(other) ?? 0) + 1;
      this.#passed.set(other, passed);
      const every = TRICKLE.get(other) ?? 0;
      if (other === CLASSES[0])
        expect(passed).toBeLessThanOrEqual(this.#reservationsSeen ? below : 1);
      else expect(passed).toBeLessThan(this.#reservationsSeen ? every + 2 * below - 1 : every);
    }
  }

  /** The count begins when a class begins to wait. */
  #forgetServed(): void {
    const waiting = new Set(this.#classes("waiting"));
    for (const priority of CLASSES) if (!waiting.has(priority)) this.#passed.delete(priority);
  }

  #checkNobodyIsLeftOut(): void {
    const running = this.#classes("running");
    for (const priority of this.#classes("waiting")) {
      expect(hasSlotFor(this.#model, running, priority)).toBe(false);
    }
  }

  #checkCounts(): void {
    const { scheduler } = this;
    const snapshot = scheduler.snapshot();
    for (const state of ["waiting", "running"] as const) {
      const classes = this.#classes(state);
      expect(scheduler[state]).toBe(classes.length);
      for (const priority of CLASSES) {
        const count = classes.filter((one) => one === priority).length;
        expect(scheduler.classLoad(priority)[state]).toBe(count);
      }
      for (const user of [0, 1, 2, 3]) {
        const count = this.#in(state).filter((one) => one.user === user).length;
        expect(scheduler.userLoad(`u${user}`)[state]).toBe(count);
      }
    }
    const trickles = snapshot.classes.reduce((sum, one) => sum + one.trickleGrants, 0);
    expect(trickles).toBe(this.#outOfTurn);
  }

  #in(state: Request["state"]): Request[] {
    return this.requests.filter((request) => request.state === state);
  }

  #classes(state: Request["state"]): PriorityClass[] {
    return this.#in(state).map(({ priority }) => priority);
  }
}

function toDemand({ priority, user, group, cost, expiresAt }: Request) {
  return {
    priority,
    userId: `u${user}`,
    groupId: group === undefined ? undefined : `g${group}`,
    cost,
    expiresAt,
  };
}
