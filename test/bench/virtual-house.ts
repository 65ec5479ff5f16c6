import type { Clock } from "../../shared/core/clock.ts";
import {
  FairScheduler,
  type FairSchedulerOptions,
  type SlotDemand,
} from "../../shared/scheduling/index.ts";

/** A served request: who, how urgent, and how long it waited. */
export interface Served {
  readonly userId: string;
  readonly priority: number;
  readonly at: number;
  readonly waitedMs: number;
}

/** Random numbers in [0, 1) that are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * A scheduler whose requests come and end in virtual time, as fast as the machine can count them.
 * Scope: one measurement.
 */
export class VirtualHouse implements Clock {
  readonly served: Served[] = [];
  readonly scheduler: FairScheduler;
  readonly #events: { at: number; run: () => void }[] = [];
  #nowMs = 0;

  constructor(options: Omit<FairSchedulerOptions, "clock">) {
    this.scheduler = new FairScheduler({ ...options, clock: this });
  }

  now(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const event = { at: this.#nowMs + delayMs, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.at ?? 0) > event.at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return () => {};
  }

  /** One request that holds its slot for as long as it is told; `onEnd` runs when it is through. */
  async send(demand: SlotDemand, serviceMs: number, onEnd?: () => void): Promise<void> {
    const { priority, userId = "" } = demand;
    const slot = await this.scheduler.acquire({
      ...demand,
      isLimited: false,
      signal: new AbortController().signal,
    });
    this.served.push({ userId, priority, at: this.#nowMs, waitedMs: slot.waitedMs });
    this.schedule(serviceMs, () => {
      slot.release();
      onEnd?.();
    });
  }

  /** Requests at random intervals with this mean, until the end. */
  poisson(
    demand: SlotDemand,
    {
      perSecond,
      random,
      serviceMs,
    }: { perSecond: number; random: () => number; serviceMs: () => number },
  ): void {
    const next = (): void => {
      this.schedule((-Math.log(1 - random()) / perSecond) * 1000, () => {
        void this.send(demand, serviceMs());
        next();
      });
    };
    next();
  }

  /** Keeps one request of this demand in line or in service, always. */
  loop(demand: SlotDemand, serviceMs: () => number): void {
    void this.send(demand, serviceMs(), () => this.loop(demand, serviceMs));
  }

  async run(untilMs: number): Promise<void> {
    await heard();
    for (let next = this.#events.pop(); next && next.at <= untilMs; next = this.#events.pop()) {
      this.#nowMs = next.at;
      next.run();
      await heard();
    }
  }
}

/** Grants are told by promises: two turns of the microtask queue until they are heard. */
async function heard(): Promise<void> {
  await Promise.resolve();
  await Promise.resolve();
}
