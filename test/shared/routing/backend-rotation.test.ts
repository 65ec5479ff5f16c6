import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BackendRotation } from "../../../shared/routing/index.ts";
import { hostWith } from "../../support/hosts.ts";

const candidates = (...ids: string[]) => ids.map((id) => ({ host: hostWith({ id }) }));
const idsOf = (ordered: { host: { id: string } }[]): string[] => ordered.map(({ host }) => host.id);
const noChance = (): number => {
  throw new Error("No chance is taken here.");
};

describe("BackendRotation", () => {
  it.each(["latency", "roundrobin", "random"] as const)(
    "gives every candidate once in the mode %s, whatever it has measured",
    (mode) => {
      const measured = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.nat(1000)));
      fc.assert(
        fc.property(
          measured,
          fc.nat(4),
          fc.double({ min: 0, max: 0.999, noNaN: true }),
          (records, count, chance) => {
            const rotation = new BackendRotation(mode, () => chance);
            for (const [id, ms] of records) rotation.record(id, ms);
            const pool = ["a", "b", "c", "d"].slice(0, count);
            expect(idsOf(rotation.order(candidates(...pool))).toSorted()).toEqual(pool);
          },
        ),
      );
    },
  );

  it("takes turns evenly, and falls back in the same circle", () => {
    const rotation = new BackendRotation("roundrobin", noChance);
    const orders = Array.from({ length: 4 }, () =>
      idsOf(rotation.order(candidates("a", "b", "c"))).join(""),
    );
    expect(orders).toEqual(["abc", "bca", "cab", "abc"]);
  });

  it("takes turns in each pool by itself", () => {
    const rotation = new BackendRotation("roundrobin", noChance);
    const first = (...ids: string[]) => idsOf(rotation.order(candidates(...ids)))[0];
    const turns = [first("a", "b"), first("x", "y", "z"), first("a", "b"), first("x", "y", "z")];
    expect(turns).toEqual(["a", "x", "b", "y"]);
  });

  it("draws the first by the given chance", () => {
    const chances = [0, 0.34, 0.999];
    const rotation = new BackendRotation("random", () => chances.shift() ?? 0);
    const firsts = [1, 2, 3].map(() => idsOf(rotation.order(candidates("a", "b", "c")))[0]);
    expect(firsts).toEqual(["a", "b", "c"]);
  });

  it("prefers the one that begins its answers soonest", () => {
    const rotation = new BackendRotation("latency", noChance);
    rotation.record("a", 300);
    rotation.record("b", 100);
    rotation.record("c", 200);
    expect(idsOf(rotation.order(candidates("a", "b", "c")))).toEqual(["b", "c", "a"]);
  });

  it("tries one that was never measured first, so that it gets measured", () => {
    const rotation = new BackendRotation("latency", noChance);
    rotation.record("a", 1);
    expect(idsOf(rotation.order(candidates("a", "new")))).toEqual(["new", "a"]);
  });

  it("follows a change within a few answers, and does not jump at a single one", () => {
    const rotation = new BackendRotation("latency", noChance);
    const first = () => idsOf(rotation.order(candidates("a", "b")))[0];
    rotation.record("a", 100);
    rotation.record("b", 150);
    rotation.record("a", 200);
    expect(first()).toBe("a");
    for (let answers = 0; answers < 10; answers++) rotation.record("a", 200);
    expect(first()).toBe("b");
  });

  it("leaves the list that it was given as it was", () => {
    const rotation = new BackendRotation("latency", noChance);
    rotation.record("a", 100);
    const given = candidates("a", "b");
    rotation.order(given);
    expect(idsOf(given)).toEqual(["a", "b"]);
  });
});
