import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairOrder, type Standing } from "../../../shared/routing/fair-order.ts";

interface Named extends Standing {
  readonly name: string;
}

const item = (name: string, priority: number, arrivedAt = 0, sharer = "a"): Named => ({
  name,
  priority,
  arrivedAt,
  sharer,
});

function drained(order: FairOrder<Named>): string {
  const names: string[] = [];
  for (let next = order.shift(); next; next = order.shift()) names.push(next.name);
  return names.join("");
}

function orderOf(...items: Named[]): FairOrder<Named> {
  const order = new FairOrder<Named>();
  for (const one of items) order.add(one);
  return order;
}

describe("FairOrder", () => {
  it("goes strictly by class, and within a sharer by arrival", () => {
    const order = orderOf(item("c", 3), item("b", 2, 5), item("a", 2, 1), item("u", 1, 9));
    expect(order.mostUrgent).toBe(1);
    expect([order.upTo(1), order.upTo(2), order.upTo(3)]).toEqual([1, 3, 4]);
    expect(drained(order)).toBe("uabc");
    expect([order.size, order.mostUrgent]).toEqual([0, undefined]);
  });

  it("gives each sharer a turn, however many one of them has", () => {
    const heavy = ["1", "2", "3", "4"].map((name, at) => item(name, 2, at, "heavy"));
    expect(drained(orderOf(...heavy, item("x", 2, 8, "x"), item("y", 2, 9, "y")))).toBe("1xy234");
  });

  it("lets nobody save up turns while it does not wait", () => {
    const order = orderOf(item("1", 2, 0, "a"), item("2", 2, 1, "a"), item("3", 2, 2, "a"));
    order.shift();
    order.shift();
    for (const name of ["x", "y", "z"]) order.add(item(name, 2, 5, "late"));
    order.add(item("4", 2, 6, "a"));
    expect(drained(order)).toBe("x3yz4");
  });

  it("forgets who has been through, though others go on waiting", () => {
    const order = orderOf(item("stays", 2, 0, "heavy"));
    for (let guest = 0; guest < 1000; guest++) {
      order.add(item("stays", 2, guest, "heavy"));
      order.add(item("guest", 2, guest, `guest ${guest}`));
      order.shift();
      order.shift();
    }
    expect(order.size).toBe(1);
    expect(order.remembered).toBeLessThanOrEqual(2);
  });

  it("does not count a turn that came to nothing", () => {
    const [first, second] = [item("1", 2, 0, "a"), item("2", 2, 1, "a")];
    const order = orderOf(first, second, item("x", 2, 5, "x"));
    expect(order.shift()).toBe(first);
    order.refund(first);
    order.add(first);
    expect(drained(order)).toBe("1x2");
  });

  it("forgets who leaves, and does not mind who has left", () => {
    const [gone, stays] = [item("g", 1), item("s", 1, 1)];
    const order = orderOf(gone, stays);
    order.remove(gone);
    order.remove(gone);
    expect(drained(order)).toBe("s");
  });

  it("hands out everybody who did not leave, once, never a less urgent one first", () => {
    const standing = fc.record({
      priority: fc.integer({ min: 1, max: 3 }),
      sharer: fc.constantFrom("a", "b", "c"),
      arrivedAt: fc.nat(20),
      leaves: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(standing, { maxLength: 40 }), (standings) => {
        const order = new FairOrder<(typeof standings)[number]>();
        for (const one of standings) order.add(one);
        for (const one of standings) if (one.leaves) order.remove(one);
        const staying = standings.filter(({ leaves }) => !leaves);
        expect(order.size).toBe(staying.length);
        const seen: typeof standings = [];
        for (let next = order.shift(); next; next = order.shift()) seen.push(next);
        expect(new Set(seen)).toEqual(new Set(staying));
        expect(seen.map(({ priority }) => priority)).toEqual(
          staying.map(({ priority }) => priority).sort(),
        );
        for (const sharer of ["a", "b", "c"]) {
          for (const priority of [1, 2, 3]) {
            const own = seen.filter((one) => one.sharer === sharer && one.priority === priority);
            const arrivals = own.map(({ arrivedAt }) => arrivedAt);
            expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b));
          }
        }
      }),
    );
  });
});
