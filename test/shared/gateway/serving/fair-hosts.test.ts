import { describe, expect, it } from "vitest";
import {
  boundOf,
  busyHouse,
  floodedHouse,
  fullHouse,
  jainOfWork,
  longestWaitOf,
  othersP95,
  surprisedHouse,
  urgentHouse,
  urgentP95,
} from "../../../bench/hosts-scenes.ts";

const SEED = 5;
const SEEDS = [1, 2, 3, 4];

// A minute in virtual time takes a second of the processor's.
const PATIENT = { timeout: 120_000 };

describe.each([2, 4])("fair share across %i hosts with five slots each", PATIENT, (hosts) => {
  const scene = { hosts, seed: SEED };

  it("gives all who always want more the same, one of whom sends 100 times as much", async () => {
    const beside = await fullHouse(scene, true);
    const alone = await fullHouse(scene, false);
    expect(jainOfWork(beside)).toBeGreaterThan(0.95);
    expect(othersP95(beside)).toBeLessThan(2 * othersP95(alone));
  });

  it("keeps the waits of users who ask for 70 % within twice what they were without him", async () => {
    const beside = await busyHouse(scene, true);
    const alone = await busyHouse(scene, false);
    expect(othersP95(beside)).toBeLessThan(2 * othersP95(alone));
    // He has what they leave, and nobody's request is put behind his backlog.
    expect(beside.some(({ userId }) => userId === "heavy")).toBe(true);
    expect(beside.filter(({ userId, isOver }) => userId !== "heavy" && isOver)).toEqual([]);
  });

  it("does so about as well in the first fifty service times after he comes, on average", async () => {
    let ratios = 0;
    for (const seed of SEEDS) {
      const beside = othersP95(await surprisedHouse({ hosts, seed }, true));
      ratios += beside / othersP95(await surprisedHouse({ hosts, seed }, false));
    }
    expect(ratios / SEEDS.length).toBeLessThan(2.2);
  });

  it("starts the most urgent within 1.2 service times while background work fills all slots", async () => {
    expect(urgentP95(await urgentHouse(scene))).toBeLessThan(1.2);
  });

  it("keeps the stated bounds under a flood of the most urgent class", async () => {
    const flooded = await floodedHouse(scene);
    for (const priority of [2, 3] as const) {
      expect(longestWaitOf(flooded, priority)).toBeLessThan(boundOf(priority));
    }
  });
});
