import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headroomFor } from "../../../shared/scheduling/recent-demand.ts";
import { quantile } from "../../bench/figures.ts";
import { seededRandom, VirtualHouse } from "../../bench/virtual-house.ts";

const SLOTS = 10;
const MEAN_MS = 200;
const HEADROOM = 1 / 3;
const DURATION_MS = 60_000;
const OTHERS = Array.from({ length: 10 }, (_, index) => `user${index}`);

interface Scene {
  /** The part of the slots that ten users ask for, who come at random. */
  readonly load: number;
  /** Requests that a heavy user always has there. */
  readonly heavy: number;
  readonly headroom: number;
}

/** Ten light users and a heavy one, in virtual time. */
async function play({ load, heavy, headroom }: Scene) {
  const house = new VirtualHouse({
    capacity: SLOTS,
    maxQueueLength: Number.POSITIVE_INFINITY,
    headroom,
  });
  const perSecond = (load * SLOTS * 1000) / MEAN_MS / OTHERS.length;
  for (const [index, userId] of OTHERS.entries()) {
    // Each has its own chance, so that the light users are the same with the heavy one and without.
    const random = seededRandom(index + 1);
    const serviceMs = (): number => 2 * MEAN_MS * random();
    house.poisson({ priority: 2, userId }, { perSecond, random, serviceMs });
  }
  const random = seededRandom(99);
  for (let copy = 0; copy < heavy; copy++) {
    house.loop({ priority: 2, userId: "heavy" }, () => 2 * MEAN_MS * random());
  }
  await house.run(DURATION_MS);
  const waits = house.served.filter(({ userId }) => userId !== "heavy").map((one) => one.waitedMs);
  const perSlot = DURATION_MS / MEAN_MS;
  return {
    p95: quantile(waits, 0.95),
    heavyShare: house.served.filter(({ userId }) => userId === "heavy").length / perSlot / SLOTS,
    used: house.served.length / perSlot / SLOTS,
  };
}

describe("slots that stand ready", () => {
  it.each([0.1, 0.3, 0.5])(
    "keep a light house's waits below a third of a service time (load %f)",
    async (load) => {
      const beside = await play({ load, heavy: 100, headroom: HEADROOM });
      expect(beside.p95).toBeLessThan(MEAN_MS / 3);
      expect(beside.used).toBeGreaterThan(0.78);
    },
  );

  it.each([0.7, 0.8])(
    "keep a busy house's waits near what they were alone (load %f)",
    async (load) => {
      const alone = await play({ load, heavy: 0, headroom: HEADROOM });
      const beside = await play({ load, heavy: 100, headroom: HEADROOM });
      const plain = await play({ load, heavy: 100, headroom: 0 });
      expect(beside.p95).toBeLessThan(2 * alone.p95);
      expect(beside.p95).toBeLessThan(0.6 * plain.p95);
      // Who is held back still gets the part that is everybody's.
      expect(beside.heavyShare).toBeGreaterThan(0.85 / 11);
      expect(beside.used).toBeGreaterThan(0.87);
    },
  );

  it("are none while nobody else has come lately", async () => {
    const alone = await play({ load: 0, heavy: 100, headroom: HEADROOM });
    expect(alone.used).toBeGreaterThan(0.97);
  });

  it("are none between users who all want more than there is", async () => {
    const house = new VirtualHouse({ capacity: SLOTS, headroom: HEADROOM });
    const random = seededRandom(5);
    for (const [userId, copies] of [
      ["a", 40],
      ["b", 40],
      ["c", 40],
    ] as const) {
      for (let copy = 0; copy < copies; copy++) {
        house.loop({ priority: 2, userId }, () => 2 * MEAN_MS * random());
      }
    }
    await house.run(DURATION_MS);
    expect(house.served.length).toBeGreaterThan(0.97 * SLOTS * (DURATION_MS / MEAN_MS));
  });

  it("never pass a waiting class by: less urgent work gets none that is kept from it", async () => {
    const house = new VirtualHouse({ capacity: SLOTS, headroom: HEADROOM });
    const random = seededRandom(6);
    const serviceMs = (): number => 2 * MEAN_MS * random();
    house.poisson({ priority: 1, userId: "light" }, { perSecond: 15, random, serviceMs });
    for (let copy = 0; copy < 50; copy++) {
      house.loop({ priority: 1, userId: "heavy" }, serviceMs);
    }
    for (let copy = 0; copy < 50; copy++) {
      house.loop({ priority: 2, userId: "background" }, serviceMs);
    }
    await house.run(DURATION_MS);
    const { classes } = house.scheduler.snapshot();
    const outOfTurn = classes.find(({ priority }) => priority === 2);
    expect(outOfTurn?.grants).toBe(outOfTurn?.trickleGrants);
  });

  it("are at most the part that is set, and no more than would be idle", () => {
    return fc.assert(
      fc.property(
        fc.double({ min: 0, max: 60, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (demand, capacity, headroom) => {
          const kept = headroomFor(demand, { capacity, headroom });
          expect(Number.isInteger(kept) && kept >= 0).toBe(true);
          expect(kept).toBeLessThanOrEqual(capacity * headroom);
          expect(kept).toBeLessThanOrEqual(Math.max(0, Math.ceil(capacity - demand)));
        },
      ),
    );
  });
});

describe("a user over their share", () => {
  it("is served within the stated time, however many others keep coming", async () => {
    const house = new VirtualHouse({ capacity: 4, headroom: HEADROOM, maxQueueLength: 100_000 });
    const random = seededRandom(8);
    const serviceMs = (): number => 2 * MEAN_MS * random();
    for (let user = 0; user < 12; user++) {
      house.poisson({ priority: 2, userId: `u${user}` }, { perSecond: 1.5, random, serviceMs });
    }
    const backlog = 30;
    const heavy = { priority: 2, userId: "heavy" };
    house.schedule(10_000, () => {
      for (let k = 0; k < backlog; k++) void house.send(heavy, serviceMs());
    });
    await house.run(10 * DURATION_MS);
    const waits = house.served
      .filter(({ userId }) => userId === "heavy")
      .map((one) => one.waitedMs);
    expect(waits).toHaveLength(backlog);
    // k * S * (1 + ceil(10 * B / C)), where B = 5 n for one request of n users with equal weights.
    const longestMs = 2 * MEAN_MS;
    for (const [index, waitedMs] of waits.entries()) {
      expect(waitedMs).toBeLessThanOrEqual(
        (index + 1) * longestMs * (1 + Math.ceil((10 * 5 * 13) / 4)),
      );
    }
  });
});
