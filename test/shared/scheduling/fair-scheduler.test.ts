import { describe, expect, it } from "vitest";
import { FairHouse, names } from "./fair-house.ts";

describe("the order of the classes", () => {
  it("serves the most urgent class first, whatever came first (V18)", async () => {
    const house = new FairHouse();
    await house.send("blocker");
    await house.send("lo", { priority: 3 });
    await house.send("default", { priority: 2 });
    await house.send("hi", { priority: 1 });
    await house.drain();
    expect(house.started).toEqual(["blocker", "hi", "default", "lo"]);
  });

  it("keeps the order of arrival within a class (V19)", async () => {
    const house = new FairHouse();
    await house.send("blocker", { userId: "other" });
    const sent = names("r", 20);
    for (const name of sent) {
      await house.clock.advance(5);
      await house.send(name);
    }
    await house.drain();
    expect(house.started.slice(1)).toEqual(sent);
  });

  it("keeps the order of arrival between users who come for the first time (V19)", async () => {
    const house = new FairHouse();
    await house.send("blocker");
    const sent = names("user", 20);
    for (const name of sent) await house.send(name, { userId: name });
    await house.drain();
    expect(house.started.slice(1)).toEqual(sent);
  });

  it("takes any positive whole number as a class", async () => {
    const house = new FairHouse();
    await house.send("blocker");
    await house.send("last", { priority: 1_000_000 });
    await house.send("first", { priority: 7 });
    await house.drain();
    expect(house.started).toEqual(["blocker", "first", "last"]);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses %s as a class", async (priority) => {
    const house = new FairHouse();
    await house.send("wrong", { priority });
    expect(house.failure("wrong")).toBeInstanceOf(RangeError);
    expect(house.scheduler).toMatchObject({ running: 0, waiting: 0 });
  });
});

describe("fair share inside a class", () => {
  it("serves a newcomer before a user's backlog (V24)", async () => {
    const house = new FairHouse();
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("u", 9), { userId: "U" });
    await house.send("v", { userId: "V" });
    await house.drain();
    expect(house.started.indexOf("v")).toBeLessThanOrEqual(2);
  });

  it("forgets a user's old load (V25)", async () => {
    const house = new FairHouse();
    for (const name of names("old", 100)) {
      await house.send(name, { userId: "U" });
      await house.end(name);
    }
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("v", 9), { userId: "V" });
    await house.send("u", { userId: "U" });
    await house.drain();
    expect(house.started.slice(101, 104)).toContain("u");
  });

  it("gives callers without a name one share together (V26)", async () => {
    const house = new FairHouse();
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("anonymous", 10));
    await house.send("named", { userId: "N" });
    await house.drain();
    expect(house.started.indexOf("named")).toBeLessThanOrEqual(2);
  });

  it("serves users by their weights", async () => {
    const weights = { users: new Map([["heavy", 3]]), groups: new Map() };
    const house = new FairHouse({ weights });
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("h", 40), { userId: "heavy" });
    await house.sendAll(names("l", 40), { userId: "light" });
    await house.drain();
    const firstForty = house.started.slice(1, 41);
    expect(firstForty.filter((name) => name.startsWith("h"))).toHaveLength(30);
  });

  it("divides a group's share between its users, however many they are", async () => {
    const house = new FairHouse();
    await house.send("blocker", { userId: "other" });
    for (const user of ["a", "b", "c", "d"]) {
      await house.sendAll(names(user, 10), { userId: user, groupId: "big" });
    }
    await house.sendAll(names("s", 10), { userId: "s", groupId: "small" });
    await house.drain();
    const first = house.started.slice(1, 17);
    const count = (prefix: string) => first.filter((name) => name.startsWith(prefix)).length;
    expect(["s", "a", "b", "c", "d"].map(count)).toEqual([8, 2, 2, 2, 2]);
  });

  it("serves groups by their weights, beside users without a group", async () => {
    const weights = { users: new Map(), groups: new Map([["big", 2]]) };
    const house = new FairHouse({ weights });
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("g", 30), { userId: "x", groupId: "big" });
    await house.sendAll(names("u", 30), { userId: "x" });
    await house.drain();
    const first = house.started.slice(1, 31);
    expect(first.filter((name) => name.startsWith("g"))).toHaveLength(20);
  });

  it("gives no more to a user who sends the next request when the last one starts", async () => {
    const house = new FairHouse();
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("a", 40), { userId: "A" });
    await house.sendAll(names("b", 40), { userId: "B" });
    for (const name of names("s", 4)) {
      await house.send(name, { userId: "S", cost: 5 });
      while (!house.running.includes(name)) await house.end(house.running[0] ?? "");
    }
    // Three times five of A's and five of B's came in between.
    expect(house.started.length).toBeGreaterThanOrEqual(30);
  });

  it("goes by the oldest who is left when a user's oldest leaves", async () => {
    const house = new FairHouse();
    const caller = new AbortController();
    await house.send("blocker", { userId: "other" });
    await house.send("a1", { userId: "A", signal: caller.signal });
    await house.send("b1", { userId: "B" });
    await house.send("a2", { userId: "A" });
    caller.abort(new Error("left"));
    await house.drain();
    expect(house.started).toEqual(["blocker", "b1", "a2"]);
  });

  it("lets a user pay with turns for estimated cost", async () => {
    const house = new FairHouse();
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("d", 20), { userId: "dear", cost: 300 });
    await house.sendAll(names("c", 20), { userId: "cheap", cost: 100 });
    await house.drain();
    const first = house.started.slice(1, 17);
    expect(first.filter((name) => name.startsWith("d"))).toHaveLength(4);
  });

  it("lets a user pay in the next rounds for what turned out expensive", async () => {
    const house = new FairHouse();
    await house.sendAll(names("d", 6), { userId: "dear" });
    await house.sendAll(names("c", 6), { userId: "cheap" });
    await house.end("d1", 5);
    await house.drain();
    expect(house.started.indexOf("d2")).toBe(5);
  });

  it("gives back what was charged beyond the real cost", async () => {
    const house = new FairHouse({ capacity: 2 });
    await house.send("blocker", { userId: "other" });
    await house.sendAll(names("d", 2), { userId: "dear", cost: 100 });
    await house.sendAll(names("c", 4), { userId: "cheap", cost: 10 });
    await house.end("d1", 10);
    await house.drain();
    expect(house.started.indexOf("d2")).toBeLessThanOrEqual(4);
  });

  it("asks no more of an idle debtor than one request's cost", async () => {
    const house = new FairHouse({ capacity: 4 });
    await house.sendAll(names("d", 3), { userId: "dear" });
    await house.send("w", { userId: "waiter" });
    await house.sendAll(names("v", 9), { userId: "V" });
    for (const name of names("d", 3)) await house.end(name, 3);
    await house.send("late", { userId: "dear" });
    await house.drain();
    const sinceReturn = house.started.slice(house.started.indexOf("v3") + 1);
    expect(sinceReturn.indexOf("late")).toBeLessThanOrEqual(3);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a cost of %s", async (cost) => {
    const house = new FairHouse();
    await house.send("wrong", { cost });
    expect(house.failure("wrong")).toBeInstanceOf(RangeError);
  });

  it("remembers nobody when nobody waits or runs", async () => {
    const house = new FairHouse();
    for (const name of names("user", 50)) {
      await house.send(name, { userId: name, groupId: `of-${name}` });
    }
    await house.drain();
    expect(house.scheduler.snapshot()).toMatchObject({ users: 0, remembered: 0 });
  });
});
