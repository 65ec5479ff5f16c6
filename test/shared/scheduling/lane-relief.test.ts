import { describe, expect, it } from "vitest";
import {
  HandedBack,
  LaneRelief,
  type LaneWait,
  type QueueLoad,
} from "../../../shared/scheduling/index.ts";

const CRITICAL = "critical";
const STANDARD = "standard";

function instance({ spare = 0, random = (): number => 0 } = {}) {
  const relief = new LaneRelief({
    queues: [CRITICAL, STANDARD],
    spareOf: () => spare,
    random,
  });
  const wait = (count: number, queue = STANDARD): LaneWait[] =>
    Array.from({ length: count }, () => relief.enter(queue));
  return { relief, wait };
}

const told = (load: Partial<QueueLoad>): QueueLoad => ({
  queue: STANDARD,
  waiting: 0,
  spare: 0,
  ...load,
});
const goneOf = (waits: readonly LaneWait[]): boolean[] => waits.map(({ signal }) => signal.aborted);

describe("what waits for a slot of a busy instance", () => {
  it("goes back for as many slots as others have, what has waited longest first", () => {
    const { relief, wait } = instance();
    const waits = wait(4);
    relief.hear([told({ spare: 1 }), told({ spare: 1 })]);
    expect(goneOf(waits)).toEqual([true, true, false, false]);
    expect(waits[0]?.signal.reason).toBeInstanceOf(HandedBack);
    expect(relief.local()).toContainEqual(told({ waiting: 2 }));
  });

  it("stays while nobody has a slot, and when it has got one here", () => {
    const { relief, wait } = instance();
    const [first, second] = wait(2);
    relief.hear([told({ waiting: 3 })]);
    first?.leave();
    relief.hear([told({ spare: 5 })]);
    expect([first, second].map((known) => known?.signal.aborted)).toEqual([false, true]);
  });

  it("leaves the slots of others to the more urgent first", () => {
    const { relief, wait } = instance();
    const ordinary = wait(2);
    const urgent = wait(2, CRITICAL);
    relief.hear([told({ spare: 3 }), told({ queue: CRITICAL, spare: 3 })]);
    expect([goneOf(urgent), goneOf(ordinary)]).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  it("goes back by its part of what waits everywhere, rounded by chance", () => {
    for (const [random, gone] of [
      [0.7, 0],
      [0.8, 1],
    ] as const) {
      const { relief, wait } = instance({ random: () => random });
      const waits = wait(1);
      // One of four that wait, for one slot.
      relief.hear([told({ waiting: 3 }), told({ spare: 1 })]);
      expect(goneOf(waits).filter(Boolean)).toHaveLength(gone);
    }
  });

  it("waits for a round before more goes back, for the others may not have told yet what they took", () => {
    const { relief, wait } = instance();
    const waits = wait(3);
    const goes = (): number => {
      relief.hear([told({ spare: 1 })]);
      return goneOf(waits).filter(Boolean).length;
    };
    expect([goes(), goes(), goes(), goes()]).toEqual([1, 1, 2, 2]);
  });

  it("is told to the others, as is what this instance has room for", () => {
    const { relief, wait } = instance({ spare: 3 });
    wait(1, CRITICAL);
    expect(relief.local()).toEqual([told({ queue: CRITICAL, waiting: 1, spare: 0 })]);
    // It would not get what an instance is given that is only for other queues.
    relief.serve(STANDARD);
    expect(relief.local()).toEqual([
      told({ queue: CRITICAL, waiting: 1, spare: 0 }),
      told({ spare: 3 }),
    ]);
  });
});
