import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Arrival, CLASSES, SchedulerWorld } from "./scheduler-world.ts";

// The limit also ends the search for a smaller counterexample.
const RUNS = { numRuns: 60, interruptAfterTimeLimit: 10_000 };

type Step = (world: SchedulerWorld) => void;

const arrival: fc.Arbitrary<Arrival> = fc.record({
  priority: fc.constantFrom(...CLASSES),
  user: fc.nat(3),
  group: fc.option(fc.nat(1), { nil: undefined }),
  cost: fc.integer({ min: 1, max: 5 }),
  ttlMs: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined, freq: 4 }),
  givesWay: fc.constantFrom("at once" as const, "later" as const, "never" as const),
});
const capacity = fc.integer({ min: 1, max: 6 });
const reservations = fc
  .array(fc.tuple(fc.constantFrom(...CLASSES), fc.integer({ min: 0, max: 3 })), { maxLength: 3 })
  .map((pairs) => new Map(pairs));

const arrives = arrival.map(
  (one): Step =>
    (world) =>
      world.arrive(one),
);
const ends = fc.tuple(fc.nat(9), fc.option(fc.nat(9), { nil: undefined })).map(
  ([index, cost]): Step =>
    (world) =>
      world.release(index, cost),
);
const disturbances = [
  fc.nat(30).map(
    (index): Step =>
      (world) =>
        world.leave(index),
  ),
  fc.nat(9).map(
    (index): Step =>
      (world) =>
        world.deliver(index),
  ),
  arrival.map(
    (one): Step =>
      (world) =>
        world.tryAcquire(one),
  ),
  fc.nat(40).map(
    (ms): Step =>
      (world) => {
        world.clock.nowMs += ms;
      },
  ),
  capacity.map(
    (slots): Step =>
      (world) =>
        world.resize(slots),
  ),
];
const reserves = reservations.map(
  (map): Step =>
    (world) =>
      world.reserve(map),
);

function stepsOf(...rare: readonly fc.Arbitrary<Step>[]): fc.Arbitrary<Step[]> {
  return fc.array(
    fc.oneof(
      { weight: 14, arbitrary: arrives },
      { weight: 12, arbitrary: ends },
      ...rare.map((arbitrary) => ({ weight: 1, arbitrary })),
    ),
    { maxLength: 100, size: "max" },
  );
}

async function play(world: SchedulerWorld, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    step(world);
    await world.check();
  }
  await world.end();
}

describe("the scheduler under any sequence of commands", () => {
  it("keeps every promise: capacity, order, trickle, no loss, no duplicate, no leak", async () => {
    const steps = stepsOf(...disturbances);
    await fc.assert(
      fc.asyncProperty(capacity, steps, (slots, all) =>
        play(
          new SchedulerWorld(
            { capacity: slots, reservations: new Map() },
            { hasPreemption: false },
          ),
          all,
        ),
      ),
      RUNS,
    );
  });

  it("keeps every promise with reservations that change", async () => {
    const steps = stepsOf(...disturbances, reserves);
    await fc.assert(
      fc.asyncProperty(capacity, reservations, steps, (slots, reserved, all) =>
        play(
          new SchedulerWorld({ capacity: slots, reservations: reserved }, { hasPreemption: false }),
          all,
        ),
      ),
      RUNS,
    );
  });

  it("keeps every promise while holders are asked to give way", async () => {
    const steps = stepsOf(...disturbances, reserves);
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(capacity, reservations, steps, async (slots, reserved, all) => {
        const world = new SchedulerWorld(
          { capacity: slots, reservations: reserved },
          { hasPreemption: true },
        );
        await play(world, all);
        asked += world.requests.filter((request) => request.asked > 0).length;
      }),
      RUNS,
    );
    expect(asked).toBeGreaterThan(0);
  });
});
