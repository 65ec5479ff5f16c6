import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Slot, SlotScheduler } from "../../../shared/scheduling/index.ts";
import { settle } from "../../support/fake-clock.ts";
import { listenerCount } from "../../support/listener-count.ts";

const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("acquire"), n: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("tryAcquire"), n: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("abort"), n: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("release"), n: fc.nat() }) },
);

interface Asker {
  readonly priority: number;
  readonly controller: AbortController;
  state: "waiting" | "granted" | "refused" | "left";
}

/** What the scheduler should do, said in the plainest way: a list, sorted where it matters. */
class Model {
  readonly slots: SlotScheduler;
  readonly askers: Asker[] = [];
  readonly held: Slot[] = [];
  readonly #capacity: number;
  readonly #maxQueueLength: number;

  constructor(capacity: number, maxQueueLength: number) {
    this.#capacity = capacity;
    this.#maxQueueLength = maxQueueLength;
    this.slots = new SlotScheduler({ capacity, maxQueueLength });
  }

  async acquire(priority: number): Promise<void> {
    const asker: Asker = { priority, controller: new AbortController(), state: "waiting" };
    const mustWait = this.held.length >= this.#capacity;
    const mustRefuse = mustWait && this.waiting().length >= this.#maxQueueLength;
    this.askers.push(asker);
    this.slots.acquire({ priority, signal: asker.controller.signal, isLimited: true }).then(
      (slot) => {
        asker.state = "granted";
        this.held.push(slot);
      },
      () => {
        asker.state = asker.controller.signal.aborted ? "left" : "refused";
      },
    );
    await settle();
    expect(asker.state).toBe(mustRefuse ? "refused" : mustWait ? "waiting" : "granted");
  }

  tryAcquire(priority: number): void {
    const slot = this.slots.tryAcquire(priority);
    expect(slot !== undefined).toBe(this.held.length < this.#capacity);
    if (slot) this.held.push(slot);
  }

  async abort(n: number): Promise<void> {
    const asker = this.askers[n % (this.askers.length || 1)];
    const before = asker?.state;
    asker?.controller.abort(new Error("left"));
    await settle();
    expect(asker?.state).toBe(before === "waiting" ? "left" : before);
  }

  async release(n: number): Promise<void> {
    const [slot] = this.held.splice(n % (this.held.length || 1), 1);
    const next = slot && this.waiting().sort((a, b) => a.priority - b.priority)[0];
    slot?.release();
    slot?.release();
    await settle();
    if (next) expect(next.state).toBe("granted");
  }

  waiting(): Asker[] {
    return this.askers.filter(({ state }) => state === "waiting");
  }

  check(): void {
    expect(this.held.length).toBeLessThanOrEqual(this.#capacity);
    expect(this.slots.running).toBe(this.held.length);
    expect(this.slots.waiting).toBe(this.waiting().length);
    if (this.waiting().length > 0) expect(this.held).toHaveLength(this.#capacity);
    for (const { state, controller } of this.askers) {
      expect(listenerCount(controller.signal)).toBe(state === "waiting" ? 1 : 0);
    }
  }
}

async function play(model: Model, actions: readonly { kind: string; n: number }[]): Promise<void> {
  for (const { kind, n } of actions) {
    if (kind === "acquire") await model.acquire(n);
    if (kind === "tryAcquire") model.tryAcquire(n);
    if (kind === "abort") await model.abort(n);
    if (kind === "release") await model.release(n);
    model.check();
  }
}

describe("SlotScheduler, whatever happens", () => {
  it("keeps its capacity, its order and its limit, and loses neither waiter nor slot", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 4 }),
        fc.array(action, { maxLength: 60 }),
        async (capacity, maxQueueLength, actions) => {
          const model = new Model(capacity, maxQueueLength);
          await play(model, actions);
          while (model.held.length > 0) await model.release(0);
          model.check();
          expect(model.waiting()).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });
});
