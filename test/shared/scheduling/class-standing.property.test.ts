import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isOverShare,
  placeIn,
  standingOf,
  type UserDemand,
} from "../../../shared/scheduling/class-standing.ts";
import { waterLevel } from "../../../shared/scheduling/water-level.ts";

const RUNS = { numRuns: 300, interruptAfterTimeLimit: 10_000 };
const weight = fc.constantFrom(0.5, 1, 2, 5);
const claims = fc.array(fc.record({ weight, demand: fc.integer({ min: 1, max: 50 }) }), {
  minLength: 1,
  maxLength: 12,
});
const capacity = fc.integer({ min: 1, max: 40 });

const NO_WEIGHTS = { users: new Map<string, number>(), groups: new Map<string, number>() };
const nobodysGroup = (demands: readonly { weight: number; demand: number }[]) => ({
  users: demands.map(({ demand }, index): UserDemand => ({ userId: `u${index}`, demand })),
  weights: {
    users: new Map(demands.map((one, index) => [`u${index}`, one.weight])),
    groups: new Map<string, number>(),
  },
});
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

describe("the water level", () => {
  it("gives out the whole capacity, or all that is asked for", () => {
    return fc.assert(
      fc.property(claims, capacity, (all, slots) => {
        const level = waterLevel(all, slots);
        const given = sum(all.map(({ weight, demand }) => Math.min(demand, level * weight)));
        expect(given).toBeCloseTo(Math.min(slots, sum(all.map(({ demand }) => demand))), 6);
      }),
      RUNS,
    );
  });
});

describe("who is over their share", () => {
  it("is nobody while everything fits, never all of several, and nobody within the max-min fair share", () => {
    return fc.assert(
      fc.property(claims, capacity, (all, slots) => {
        const { users, weights } = nobodysGroup(all);
        const standing = standingOf(users, { capacity: slots, weights });
        const over = users.filter((user) => isOverShare(standing, user, weights));
        if (users.length > 1) expect(over.length).toBeLessThan(users.length);
        if (sum(all.map(({ demand }) => demand)) <= slots) expect(over).toEqual([]);
        for (const { userId, demand } of over) {
          expect(demand).toBeGreaterThan(standing.level * (weights.users.get(userId) ?? 1));
        }
      }),
      RUNS,
    );
  });

  it("only grows worse for who asks for more, and better for who weighs more", () => {
    return fc.assert(
      fc.property(claims, capacity, fc.integer({ min: 1, max: 50 }), (all, slots, more) => {
        const [first, ...rest] = all;
        if (!first) return;
        const isOver = (own: { weight: number; demand: number }): boolean => {
          const { users, weights } = nobodysGroup([own, ...rest]);
          const standing = standingOf(users, { capacity: slots, weights });
          return isOverShare(standing, { userId: "u0", demand: own.demand }, weights);
        };
        if (!isOver(first)) return;
        expect(isOver({ ...first, demand: first.demand + more })).toBe(true);
        expect(isOver({ ...first, weight: first.weight / 2 })).toBe(true);
      }),
      RUNS,
    );
  });

  it("is a user who sends 100 times as much as the others, and none of them", () => {
    const others = Array.from(
      { length: 10 },
      (_, n): UserDemand => ({ userId: `u${n}`, demand: 4 }),
    );
    const heavy = { userId: "heavy", demand: 400 };
    const standing = standingOf([...others, heavy], { capacity: 10, weights: NO_WEIGHTS });
    expect(isOverShare(standing, heavy, NO_WEIGHTS)).toBe(true);
    expect(others.some((user) => isOverShare(standing, user, NO_WEIGHTS))).toBe(false);
  });

  it("is a user alone who wants more than all slots: who comes next finds no backlog before them", () => {
    const isOver = (demand: number): boolean => {
      const alone = { userId: "alone", demand };
      const standing = standingOf([alone], { capacity: 10, weights: NO_WEIGHTS });
      return isOverShare(standing, alone, NO_WEIGHTS);
    };
    expect([isOver(10), isOver(11)]).toEqual([false, true]);
  });

  it("is nobody among equals", () => {
    for (const count of [2, 3, 11]) {
      const users = Array.from({ length: count }, (_, n) => ({ userId: `u${n}`, demand: 500 }));
      const standing = standingOf(users, { capacity: 10, weights: NO_WEIGHTS });
      expect(users.some((user) => isOverShare(standing, user, NO_WEIGHTS))).toBe(false);
    }
  });

  it("gains nothing by many names inside a group, and spares who asks for little there", () => {
    const names = Array.from({ length: 50 }, (_, n) => ({
      userId: `n${n}`,
      groupId: "many",
      demand: 4,
    }));
    const modest = { userId: "modest", groupId: "many", demand: 1 };
    const lone = { userId: "lone", groupId: "few", demand: 4 };
    const standing = standingOf([...names, modest, lone], { capacity: 10, weights: NO_WEIGHTS });
    expect(names.every((user) => isOverShare(standing, user, NO_WEIGHTS))).toBe(true);
    expect(isOverShare(standing, modest, NO_WEIGHTS)).toBe(false);
    expect(isOverShare(standing, lone, NO_WEIGHTS)).toBe(false);
  });
});

describe("the place of a request in its class", () => {
  it("is none while slots are free, and at most behind all that wait", () => {
    return fc.assert(
      fc.property(claims, capacity, (all, slots) => {
        const { users, weights } = nobodysGroup(all);
        const standing = standingOf(users, { capacity: slots, weights });
        const total = sum(all.map(({ demand }) => demand));
        for (const user of users) {
          const place = placeIn(standing, { ...user, demand: user.demand + 1 }, weights);
          if (total < slots) expect(place).toBe(0);
          expect(place).toBeLessThanOrEqual(Math.max(0, total + 1 - slots));
        }
      }),
      RUNS,
    );
  });

  it("of a newcomer is ahead of another's backlog", () => {
    const heavy = { userId: "heavy", demand: 100 };
    const standing = standingOf([heavy], { capacity: 1, weights: NO_WEIGHTS });
    expect(placeIn(standing, { userId: "new", demand: 1 }, NO_WEIGHTS)).toBe(1);
    expect(placeIn(standing, { ...heavy, demand: 101 }, NO_WEIGHTS)).toBe(100);
  });
});
