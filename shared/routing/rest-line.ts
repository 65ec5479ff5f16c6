import type { Cancel, Clock } from "../core/clock.ts";
import type { PriorityClass } from "../core/domain.ts";
import { Bookings } from "./bookings.ts";
import { FairOrder, type Standing } from "./fair-order.ts";
import { RecoveryPace } from "./recovery-pace.ts";

/** One that waits for its turn at a backend. */
export interface LineWaiter extends Standing {
  /** Its turn has come; without one the backend is gone. It waits no more. */
  called(turn: LineTurn | undefined): void;
}

/** The right to call a backend that has rested. It ends once, by the first of its methods. */
export interface LineTurn {
  readonly key: string;
  readonly priority: PriorityClass;
  /** It was used, and this came of it. */
  used(how: "accepted" | "refused" | "unknown"): void;
  /** Its holder went elsewhere: the next one's turn. */
  giveBack(): void;
  /** Its holder may not call the backend after all, and others could not either. */
  decline(): void;
}

/** After a rest one call tries the backend: who refuses does so at once, silence means that it was taken. */
const PROBE_MS = 500;
/** However short a rest a backend asks for, it is not called in a tight loop. */
const MIN_REST_MS = 50;

/**
 * Requests that wait for a backend that rests. When its rest is over they are called one by one, the
 * most urgent first, no faster than its pace; if it asks for rest again, the others stay where they are.
 * Scope: one backend, per instance; instances pace themselves, each by what it sees.
 */
export class RestLine {
  readonly #clock: Clock;
  #key: string;
  readonly #order = new FairOrder<LineWaiter>();
  /** What is left for a class depends on the traffic of more urgent ones: each finds its own pace. */
  readonly #paces = new Map<PriorityClass, RecoveryPace>();
  readonly #bookings = new Bookings();
  #restsUntil = 0;
  /** When the next one may be called, if the backend does not rest then. */
  #nextAt = 0;
  #isProbeDue = false;
  #cancelTimer: Cancel = () => {};

  constructor(key: string, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
  }

  get key(): string {
    return this.#key;
  }

  /** Its backend is known by another name from now on. */
  rename(key: string): void {
    this.#key = key;
  }

  get waiting(): number {
    return this.#order.size;
  }

  /** The most urgent class that waits: nobody of it, or behind it, may pass. */
  get mostUrgent(): PriorityClass | undefined {
    return this.#order.mostUrgent;
  }

  /** Waits for a turn, which may come before this returns. Returns how to leave the line. */
  enter(waiter: LineWaiter): () => void {
    this.#order.add(waiter);
    this.#advance();
    return () => {
      this.#order.remove(waiter);
      if (this.#order.size === 0) this.#cancelTimer();
    };
  }

  /** The backend is to be left alone until a moment; `turn` is that of the call which was told so. */
  rest(until: number, turn?: LineTurn): void {
    this.#restsUntil = Math.max(this.#restsUntil, until, this.#clock.now() + MIN_REST_MS);
    this.#isProbeDue = true;
    for (const [priority, pace] of this.#paces) pace.refused(priority === turn?.priority);
    this.#advance();
  }

  /** When one that waits elsewhere should come again, in epoch milliseconds. */
  book(priority: PriorityClass): number {
    const nowMs = this.#clock.now();
    const fromAt = Math.max(nowMs + MIN_REST_MS, this.#restsUntil);
    return this.#bookings.book(priority, this.#order.upTo(priority), { fromAt, nowMs });
  }

  /** The backend is gone: whoever waits looks for another. */
  close(): void {
    this.#cancelTimer();
    for (let next = this.#order.shift(); next; next = this.#order.shift()) next.called(undefined);
  }

  #advance(): void {
    this.#cancelTimer();
    if (this.#order.size === 0) return;
    const nowMs = this.#clock.now();
    const waitMs = Math.max(this.#restsUntil, this.#nextAt) - nowMs;
    if (waitMs <= 0) this.#callNext(nowMs);
    if (this.#order.size > 0) {
      const againMs = Math.max(this.#restsUntil, this.#nextAt) - nowMs;
      this.#cancelTimer = this.#clock.schedule(againMs, () => this.#advance());
    }
  }

  #callNext(nowMs: number): void {
    const next = this.#order.shift();
    if (!next) return;
    const { intervalMs } = this.#paceOf(next.priority);
    const isProbe = this.#isProbeDue;
    this.#nextAt = nowMs + (isProbe ? Math.max(PROBE_MS, intervalMs) : intervalMs);
    this.#isProbeDue = false;
    next.called(this.#turn(next, isProbe));
  }

  #paceOf(priority: PriorityClass): RecoveryPace {
    const known = this.#paces.get(priority);
    if (known) return known;
    const pace = new RecoveryPace();
    this.#paces.set(priority, pace);
    return pace;
  }

  #turn(waiter: LineWaiter, isProbe: boolean): LineTurn {
    const { priority } = waiter;
    let isOpen = true;
    const once = (end: () => void): void => {
      if (isOpen) end();
      isOpen = false;
    };
    return {
      key: this.key,
      priority,
      used: (how) =>
        once(() => {
          if (how === "accepted") this.#paceOf(priority).accepted();
          if (how === "refused") this.#order.refund(waiter);
        }),
      giveBack: () =>
        once(() => {
          this.#order.refund(waiter);
          // Nothing was learned of the backend: the next one tries it.
          this.#isProbeDue ||= isProbe;
          this.#nextAt = this.#clock.now();
          this.#advance();
        }),
      decline: () =>
        once(() => {
          this.#order.refund(waiter);
          this.#restsUntil = Math.max(this.#restsUntil, this.#clock.now() + MIN_REST_MS);
        }),
    };
  }
}
