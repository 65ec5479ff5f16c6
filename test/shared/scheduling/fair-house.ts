import {
  FairScheduler,
  type FairSchedulerOptions,
  type Slot,
  type SlotRequest,
} from "../../../shared/scheduling/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";

type Ask = Partial<Omit<SlotRequest, "signal">> & { readonly signal?: AbortSignal };

/** A scheduler with requests that have names and say when they start. Scope: one test. */
export class FairHouse {
  readonly clock = new FakeClock(0);
  readonly scheduler: FairScheduler;
  /** Names in the order in which they got their slots. */
  readonly started: string[] = [];
  readonly #slots = new Map<string, Slot>();
  readonly #failures = new Map<string, unknown>();

  constructor(options: Partial<FairSchedulerOptions> = {}) {
    this.scheduler = new FairScheduler({ capacity: 1, clock: this.clock, ...options });
  }

  /** Sends a request that will hold its slot until it is told to end. */
  async send(name: string, ask: Ask = {}): Promise<void> {
    const request = { priority: 2, isLimited: true, signal: new AbortController().signal, ...ask };
    this.scheduler.acquire(request).then(
      (slot) => {
        this.started.push(name);
        this.#slots.set(name, slot);
      },
      (error: unknown) => this.#failures.set(name, error),
    );
    await settle();
  }

  async sendAll(names: readonly string[], ask: Ask = {}): Promise<void> {
    for (const name of names) await this.send(name, ask);
  }

  slot(name: string): Slot {
    const slot = this.#slots.get(name);
    if (!slot) throw new Error(`${name} has no slot`);
    return slot;
  }

  failure(name: string): unknown {
    return this.#failures.get(name);
  }

  async end(name: string, actualCost?: number): Promise<void> {
    this.slot(name).release(actualCost);
    this.#slots.delete(name);
    await settle();
  }

  /** Ends whoever runs, the oldest first, until nobody is left. */
  async drain(): Promise<void> {
    for (let [name] = this.#slots.keys(); name !== undefined; [name] = this.#slots.keys()) {
      await this.end(name);
    }
  }

  get running(): string[] {
    return [...this.#slots.keys()];
  }
}

/** `a1` to `a<count>`. */
export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}
