import type { PriorityClass } from "../core/domain.ts";

/** A mean that forgets: of the first samples the plain one, then an exponentially weighted one. */
interface MovingMean {
  value: number;
  samples: number;
}

// One sample's weight in a service time.
const SERVICE_WEIGHT = 0.1;
// Arrivals are counted over about this time: a burst of some milliseconds is no rate.
const ARRIVALS_MEMORY_MS = 30_000;
// The grant interval remembers two rounds of all slots: grants come in bursts when slots end together.
const ROUNDS_REMEMBERED = 2;
const MIN_INTERVALS_REMEMBERED = 8;

interface ClassFlow {
  readonly service: MovingMean;
  /** How many have arrived, each counted less the longer ago it was. */
  arrivals: number;
  arrivedAt: number;
}

/**
 * Measures how fast the slots drain the queue: the interval between grants while somebody waits, and
 * by class how long a slot is held and how often requests come. Scope: its scheduler's.
 */
export class DrainMeter {
  readonly #classes = new Map<PriorityClass, ClassFlow>();
  readonly #service: MovingMean = { value: 0, samples: 0 };
  #interval: MovingMean = { value: 0, samples: 0 };
  #capacity: number;
  /** The last grant of a stretch in which somebody has been waiting ever since. */
  #grantedAt: number | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  resize(capacity: number): void {
    this.#interval.value *= Math.max(1, this.#capacity) / Math.max(1, capacity);
    this.#capacity = capacity;
    // Grants of new slots say nothing about how fast slots come back.
    this.#grantedAt = undefined;
  }

  arrived(priority: PriorityClass, nowMs: number): void {
    const flow = this.#class(priority);
    flow.arrivals = recentArrivals(flow, nowMs) + 1;
    flow.arrivedAt = nowMs;
  }

  /** The first one waits: what was measured before the queue was empty says less than service times do. */
  saturated(): void {
    this.#grantedAt = undefined;
    if (this.#service.samples === 0) return;
    this.#interval = { value: this.#service.value / Math.max(1, this.#capacity), samples: 1 };
  }

  /** One that waited was granted; `waiting` still do. */
  granted(nowMs: number, waiting: number): void {
    if (this.#grantedAt !== undefined) {
      // A clock that was set back would make of this a wait below zero.
      const intervalMs = Math.max(0, nowMs - this.#grantedAt);
      learn(this.#interval, intervalMs, this.#intervalWeight);
    }
    this.#grantedAt = waiting > 0 ? nowMs : undefined;
  }

  /** The last one that waited left without a grant. */
  drained(): void {
    this.#grantedAt = undefined;
  }

  /** A slot was given back after its work ended by itself. */
  finished(priority: PriorityClass, serviceMs: number): void {
    learn(this.#service, serviceMs, SERVICE_WEIGHT);
    learn(this.#class(priority).service, serviceMs, SERVICE_WEIGHT);
  }

  /**
   * Milliseconds between grants while the queue is not empty; undefined before anything was measured.
   * An interval that is open for longer than usual counts already, so that a jam shows.
   */
  intervalMs(nowMs: number): number | undefined {
    if (this.#interval.samples > 0) {
      const { value } = this.#interval;
      const openMs = nowMs - (this.#grantedAt ?? nowMs);
      return openMs > value ? value + this.#intervalWeight * (openMs - value) : value;
    }
    if (this.#service.samples === 0) return undefined;
    return this.#service.value / Math.max(1, this.#capacity);
  }

  /** A class's mean service time; undefined before one of its requests has ended. */
  serviceMs(priority: PriorityClass): number | undefined {
    const service = this.#classes.get(priority)?.service;
    return service && service.samples > 0 ? service.value : undefined;
  }

  /** How much of a usual grant's work one of this class is. */
  relativeService(priority: PriorityClass): number {
    const own = this.serviceMs(priority);
    return own === undefined || this.#service.value === 0 ? 1 : own / this.#service.value;
  }

  /** How many of the class arrive within the time; falls when they stop coming. */
  arrivalsIn(durationMs: number, priority: PriorityClass, nowMs: number): number {
    const flow = this.#classes.get(priority);
    return flow ? (recentArrivals(flow, nowMs) * durationMs) / ARRIVALS_MEMORY_MS : 0;
  }

  get #intervalWeight(): number {
    return 1 / Math.max(MIN_INTERVALS_REMEMBERED, ROUNDS_REMEMBERED * this.#capacity);
  }

  #class(priority: PriorityClass): ClassFlow {
    const known = this.#classes.get(priority);
    if (known) return known;
    const flow: ClassFlow = {
      service: { value: 0, samples: 0 },
      arrivals: 0,
      arrivedAt: 0,
    };
    this.#classes.set(priority, flow);
    return flow;
  }
}

function learn(mean: MovingMean, sample: number, weight: number): void {
  mean.samples += 1;
  mean.value += Math.max(weight, 1 / mean.samples) * (sample - mean.value);
}

function recentArrivals({ arrivals, arrivedAt }: ClassFlow, nowMs: number): number {
  return arrivals * Math.exp(-Math.max(0, nowMs - arrivedAt) / ARRIVALS_MEMORY_MS);
}
