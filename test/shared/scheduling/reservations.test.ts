import { describe, expect, it } from "vitest";
import { parsePriorityWorkers } from "../../../shared/config/index.ts";
import { FairHouse, names } from "./fair-house.ts";

describe("reserved slots", () => {
  it("start the class at once for which they are kept (V22)", async () => {
    const house = new FairHouse({ capacity: 3, reservations: new Map([[1, 1]]) });
    await house.sendAll(names("lo", 3), { priority: 3 });
    expect(house.running).toEqual(["lo1", "lo2"]);
    await house.send("hi", { priority: 1 });
    expect(house.running).toEqual(["lo1", "lo2", "hi"]);
    await house.end("lo1");
    expect(house.running).toEqual(["lo2", "hi", "lo3"]);
  });

  it("never let a preference pass a more urgent class (V23)", async () => {
    const house = new FairHouse({ capacity: 1, reservations: new Map([[2, 1]]) });
    await house.send("blocker");
    await house.send("lo", { priority: 3 });
    await house.send("hi", { priority: 1 });
    await house.drain();
    expect(house.started).toEqual(["blocker", "hi", "lo"]);
  });

  it("may be used by more urgent classes", async () => {
    const house = new FairHouse({ capacity: 2, reservations: new Map([[2, 1]]) });
    await house.sendAll(["a", "b"], { priority: 1 });
    expect(house.running).toEqual(["a", "b"]);
  });

  it("are not given to a class whose trickle is due", async () => {
    const house = new FairHouse({
      capacity: 2,
      reservations: new Map([[1, 1]]),
      trickle: new Map([[3, 2]]),
    });
    await house.sendAll(["lo1", "lo2"], { priority: 3 });
    await house.sendAll(names("hi", 10), { priority: 1 });
    for (const name of names("hi", 9)) await house.end(name);
    expect(house.running).toEqual(["lo1", "hi10"]);
  });

  it("shrink with the pool, the most urgent last", async () => {
    const house = new FairHouse({
      capacity: 5,
      reservations: new Map([
        [1, 1],
        [2, 2],
      ]),
    });
    house.scheduler.resize(3);
    const { classes } = house.scheduler.snapshot();
    expect(classes.map(({ reserved }) => reserved)).toEqual([1, 1]);
  });
});

describe("the slots to spare for a class", () => {
  const RESERVED = new Map([
    [1, 2],
    [2, 1],
  ]);

  it.each([1, 2, 3])("are as many as it would be given at once: class %i", async (priority) => {
    for (const running of [[], [1], [2], [3], [1, 1, 2], [1, 1, 1], [2, 2, 3], [3, 3, 3]]) {
      const house = new FairHouse({ capacity: 6, reservations: RESERVED });
      for (const [n, of] of running.entries()) await house.send(`held-${n}`, { priority: of });
      const spare = house.scheduler.spareFor(priority);
      let given = 0;
      while (house.scheduler.tryAcquire({ priority })) given++;
      expect([running, spare]).toEqual([running, given]);
    }
  });

  it("are none while somebody as urgent waits, whatever waits that is less urgent", async () => {
    const house = new FairHouse({ capacity: 2, reservations: new Map([[1, 1]]) });
    await house.sendAll(["a", "b"], { priority: 3 });
    expect(house.running).toEqual(["a"]);
    expect([1, 2, 3].map((priority) => house.scheduler.spareFor(priority))).toEqual([1, 0, 0]);
    await house.sendAll(["c", "d"], { priority: 1 });
    expect(house.scheduler.spareFor(1)).toBe(0);
  });
});

describe("PriorityWorkers", () => {
  it("is read as pairs of class and count", () => {
    const { reservations, problems } = parsePriorityWorkers(" 2:1, 3 : 4,", 10);
    expect([...reservations]).toEqual([
      [2, 1],
      [3, 4],
    ]);
    expect(problems).toEqual([]);
  });

  it("reserves nothing when it is empty", () => {
    expect(parsePriorityWorkers("", 1)).toEqual({ reservations: new Map(), problems: [] });
  });

  it("names every problem together", () => {
    const { problems } = parsePriorityWorkers("0:5,x,2:1,2:3,3:-1,4:9", 10);
    expect(problems).toEqual([
      'PriorityWorkers: "0:5": class 0 is for probes, the most urgent class is 1',
      'PriorityWorkers: "x" is not a pair class:count of whole numbers',
      "PriorityWorkers: class 2 is named twice",
      'PriorityWorkers: "3:-1" is not a pair class:count of whole numbers',
      "PriorityWorkers: 10 reserved slots must be fewer than the 10 of Workers",
    ]);
  });
});
