import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BackendView } from "../../../shared/routing/index.ts";
import { nextTurns, orderBackends } from "../../../shared/routing/order-backends.ts";
import { viewWith } from "../../support/backend-views.ts";

const noChance = (): number => {
  throw new Error("No chance is taken here.");
};
const named = (id: string, change: Parameters<typeof viewWith>[0] = {}): BackendView =>
  viewWith({ ...change, host: { id, ...change.host } });
const idsOf = (views: readonly BackendView[]): string => views.map(({ host }) => host.id).join("");

/** Calls the first of each order, as a pool does, and says who was called. */
function rounds(weights: Record<string, number>, count: number): string[] {
  let pool = Object.entries(weights).map(([id, weight]) => named(id, { host: { weight } }));
  return Array.from({ length: count }, () => {
    const [first] = orderBackends(pool, "roundrobin", noChance);
    if (!first) return "";
    const turns = nextTurns(pool, first);
    pool = pool.map((view) => ({ ...view, turn: turns.get(view.key) ?? 0 }));
    return first.host.id;
  });
}

describe("orderBackends", () => {
  it.each(["latency", "roundrobin", "random"] as const)(
    "gives every backend once in the mode %s, whatever is known of them",
    (mode) => {
      const view = fc.record({
        latencyMs: fc.option(fc.nat(5000), { nil: undefined }),
        isUntried: fc.boolean(),
        inFlight: fc.nat(50),
        failureRate: fc.double({ min: 0, max: 1, noNaN: true }),
        turn: fc.integer({ min: -100, max: 100 }),
        weight: fc.nat(5),
      });
      const chance = fc.double({ min: 0, max: 0.999, noNaN: true });
      fc.assert(
        fc.property(fc.array(view, { maxLength: 6 }), chance, (facts, random) => {
          const views = facts.map(({ weight, ...rest }, index) =>
            named("abcdef".charAt(index), { ...rest, host: { weight } }),
          );
          const ordered = orderBackends(views, mode, () => random);
          expect([...idsOf(ordered)].toSorted().join("")).toBe(idsOf(views));
          const firstIdle = ordered.findIndex(({ host }) => host.weight === 0);
          const behind = firstIdle < 0 ? [] : ordered.slice(firstIdle);
          expect(behind.every(({ host }) => host.weight === 0)).toBe(true);
        }),
      );
    },
  );

  it("takes turns smoothly, and falls back in the same circle", () => {
    expect(rounds({ a: 1, b: 1, c: 1 }, 6).join("")).toBe("abcabc");
    expect(rounds({ a: 5, b: 1, c: 1 }, 7).join("")).toBe("aabacaa");
  });

  it("gives each backend its exact part of the turns, by weight", () => {
    const weights = fc.record({
      a: fc.integer({ min: 1, max: 9 }),
      b: fc.integer({ min: 1, max: 9 }),
      c: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 4 }), (parts, times) => {
        const total = parts.a + parts.b + parts.c;
        const called = rounds(parts, total * times);
        for (const [id, weight] of Object.entries(parts)) {
          expect(called.filter((name) => name === id)).toHaveLength(weight * times);
        }
      }),
    );
  });

  it("draws by weight", () => {
    const views = [named("a", { host: { weight: 1 } }), named("b", { host: { weight: 3 } })];
    const first = (chance: number) => idsOf(orderBackends(views, "random", () => chance)).charAt(0);
    expect([0, 0.249, 0.25, 0.999].map(first)).toEqual(["a", "a", "b", "b"]);
  });

  it("prefers the one that begins its answers soonest", () => {
    const views = [
      named("a", { latencyMs: 300 }),
      named("b", { latencyMs: 100 }),
      named("c", { latencyMs: 200 }),
    ];
    expect(idsOf(orderBackends(views, "latency", noChance))).toBe("bca");
  });

  it("tries one that was never measured, but with one call only", () => {
    const measured = named("a", { latencyMs: 50 });
    const order = (inFlight: number) =>
      idsOf(orderBackends([measured, named("n", { inFlight })], "latency", noChance));
    expect(order(0)).toBe("na");
    expect(order(1)).toBe("an");
  });

  it("takes one that answers nothing to measure for slow, and for no slower than one that fails", () => {
    const useless = named("a", { isUntried: false });
    const order = (view: BackendView) => idsOf(orderBackends([useless, view], "latency", noChance));
    expect(order(named("b", { latencyMs: 900 }))).toBe("ba");
    expect(order(named("b", { latencyMs: 10, inFlight: 20 }))).toBe("ab");
  });

  it("takes a heavier one for quicker", () => {
    const light = named("a", { latencyMs: 100 });
    const heavy = named("b", { latencyMs: 250, host: { weight: 3 } });
    expect(idsOf(orderBackends([light, heavy], "latency", noChance))).toBe("ba");
  });

  it("does not put all calls on the quickest, and takes a failing one for slow", () => {
    const busy = named("a", { latencyMs: 100, inFlight: 4 });
    expect(idsOf(orderBackends([busy, named("b", { latencyMs: 300 })], "latency", noChance))).toBe(
      "ba",
    );
    const failing = named("a", { latencyMs: 100, failureRate: 0.5 });
    expect(
      idsOf(orderBackends([failing, named("b", { latencyMs: 300 })], "latency", noChance)),
    ).toBe("ba");
  });
});
