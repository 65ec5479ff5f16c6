import { describe, expect, it } from "vitest";
import { FairHouse, names } from "./fair-house.ts";

describe("changes at run time", () => {
  it("start as many as there are new slots", async () => {
    const house = new FairHouse();
    await house.sendAll(names("r", 5));
    house.scheduler.resize(3);
    await house.clock.advance(0);
    expect(house.running).toEqual(["r1", "r2", "r3"]);
  });

  it("let those run who hold slots that are no more", async () => {
    const house = new FairHouse({ capacity: 3 });
    await house.sendAll(names("r", 5));
    house.scheduler.resize(1);
    await house.end("r1");
    await house.end("r2");
    expect(house.running).toEqual(["r3"]);
    await house.drain();
    expect(house.started).toEqual(names("r", 5));
  });

  it("give what is no longer reserved to those who wait", async () => {
    const house = new FairHouse({ capacity: 2, reservations: new Map([[1, 1]]) });
    await house.sendAll(["a", "b"], { priority: 3 });
    house.scheduler.reconfigure({ reservations: new Map() });
    await house.clock.advance(0);
    expect(house.running).toEqual(["a", "b"]);
  });

  it("serve those who wait by their new weights", async () => {
    const house = new FairHouse();
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("a", 20), { userId: "a" });
    await house.sendAll(names("b", 20), { userId: "b" });
    house.scheduler.reconfigure({ weights: { users: new Map([["a", 4]]), groups: new Map() } });
    await house.drain();
    const first = house.started.slice(3, 18);
    expect(first.filter((name) => name.startsWith("a"))).toHaveLength(12);
  });

  it("mark holders who run already as preemptible", async () => {
    const house = new FairHouse();
    const asked: string[] = [];
    await house.send("lo", { priority: 3, onPreempt: () => asked.push("lo") });
    await house.send("hi", { priority: 1 });
    expect(asked).toEqual([]);
    house.scheduler.reconfigure({ preemptible: new Set([3]) });
    expect(asked).toEqual(["lo"]);
  });

  it("are refused as a whole, with every problem named", () => {
    const { scheduler } = new FairHouse({ capacity: 2 });
    const change = () =>
      scheduler.reconfigure({
        weights: { users: new Map([["u", 0]]), groups: new Map([["g", Number.NaN]]) },
        trickle: new Map([[2, 1]]),
        reservations: new Map([[0, 1]]),
      });
    expect(change).toThrow(
      'the weight of user "u" must be a positive number, not 0; ' +
        'the weight of group "g" must be a positive number, not NaN; ' +
        "class 2 cannot get one of 1 grants; 0 is not a priority class",
    );
    expect(() => scheduler.resize(0)).toThrow("a pool needs at least one slot, not 0");
    expect(scheduler.capacity).toBe(2);
    expect(scheduler.snapshot().classes).toEqual([]);
  });
});

describe("the trickle", () => {
  it("gives class 2 one of 10 grants and class 3 one of 20 under a flood of class 1", async () => {
    const house = new FairHouse({ maxQueueLength: 500 });
    await house.send("blocker");
    await house.sendAll(names("lo", 9), { priority: 3 });
    await house.sendAll(names("default", 18), { priority: 2 });
    await house.sendAll(names("hi", 180), { priority: 1 });
    await house.drain();
    const order = house.started.slice(1);
    const isOf = (prefix: string) => (name: string) => name.startsWith(prefix);
    for (let from = 0; from < 150; from++) {
      expect(order.slice(from, from + 10).some(isOf("default"))).toBe(true);
      expect(order.slice(from, from + 20).some(isOf("lo"))).toBe(true);
    }
    expect(order.slice(0, 100).filter(isOf("hi")).length).toBeGreaterThanOrEqual(83);
  });

  it("is shown, and counts only while somebody waits", async () => {
    const house = new FairHouse({ trickle: new Map([[3, 3]]) });
    await house.sendAll(names("hi", 8), { priority: 1 });
    for (const name of names("hi", 4)) await house.end(name);
    await house.send("lo", { priority: 3 });
    await house.drain();
    expect(house.started.indexOf("lo")).toBe(7);
    expect(house.scheduler.snapshot().classes).toMatchObject([
      { priority: 1, grants: 8, trickleGrants: 0 },
      { priority: 3, grants: 1, trickleGrants: 1 },
    ]);
  });

  it("never has two of two grants, however many classes are due", async () => {
    const classes = [2, 3, 4, 5, 6];
    const trickle = new Map(classes.map((priority) => [priority, 2]));
    const house = new FairHouse({ trickle });
    await house.send("blocker");
    for (const priority of classes) await house.sendAll(names(`c${priority}-`, 5), { priority });
    await house.sendAll(names("hi", 40), { priority: 1 });
    await house.drain();
    const order = house.started.slice(1, 41);
    expect(order.filter((name) => name.startsWith("hi"))).toHaveLength(20);
    for (const priority of classes) {
      expect(order.findIndex((name) => name.startsWith(`c${priority}-`))).toBeLessThan(11);
    }
  });
});

describe("the snapshot", () => {
  it("shows each class, the most urgent first", async () => {
    const house = new FairHouse();
    await house.send("done", { priority: 1 });
    await house.clock.advance(200);
    await house.end("done");
    await house.send("blocker", { priority: 3, userId: "a" });
    await house.send("old", { priority: 3, userId: "b" });
    await house.clock.advance(500);
    await house.send("young", { priority: 3, userId: "c", groupId: "g" });
    expect(house.scheduler.snapshot()).toMatchObject({
      capacity: 1,
      running: 1,
      waiting: 2,
      users: 3,
      classes: [
        { priority: 1, waiting: 0, running: 0, oldestWaitMs: 0, grants: 1, serviceMs: 200 },
        { priority: 3, waiting: 2, running: 1, oldestWaitMs: 500, grants: 1, serviceMs: undefined },
      ],
    });
    expect(house.scheduler.classLoad(3)).toEqual({ waiting: 2, running: 1 });
    expect(house.scheduler.userLoad("c")).toEqual({ waiting: 1, running: 0 });
    expect(house.scheduler.userLoad("nobody")).toEqual({ waiting: 0, running: 0 });
  });
});
