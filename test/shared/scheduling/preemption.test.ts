import { describe, expect, it } from "vitest";
import { FairHouse, names } from "./fair-house.ts";

/** A house full of background work that gives way when it is asked to. */
async function fullHouse(preemptible: readonly number[] = [3]) {
  const house = new FairHouse({ capacity: 3, preemptible: new Set(preemptible) });
  const asked: string[] = [];
  for (const name of names("lo", 3)) {
    await house.clock.advance(10);
    await house.send(name, { priority: 3, onPreempt: () => asked.push(name) });
  }
  return { house, asked };
}

describe("preemption", () => {
  it("is off unless a class is marked", async () => {
    const { house, asked } = await fullHouse([]);
    await house.send("hi", { priority: 1 });
    expect(asked).toEqual([]);
  });

  it("asks the one who started last, once, and hands its slot over", async () => {
    const { house, asked } = await fullHouse();
    await house.send("hi", { priority: 1 });
    expect(asked).toEqual(["lo3"]);
    await house.end("lo3");
    expect(house.running).toEqual(["lo1", "lo2", "hi"]);
    expect(asked).toEqual(["lo3"]);
  });

  it("asks the least urgent first", async () => {
    const house = new FairHouse({ capacity: 2, preemptible: new Set([3, 4]) });
    const asked: string[] = [];
    await house.send("four", { priority: 4, onPreempt: () => asked.push("four") });
    await house.send("three", { priority: 3, onPreempt: () => asked.push("three") });
    await house.sendAll(["a", "b", "c"], { priority: 1 });
    expect(asked).toEqual(["four", "three"]);
  });

  it("asks no more holders than there are who wait", async () => {
    const { house, asked } = await fullHouse();
    await house.sendAll(["a", "b"], { priority: 1 });
    expect(asked).toEqual(["lo3", "lo2"]);
  });

  it("leaves those alone who have delivered something", async () => {
    const { house, asked } = await fullHouse();
    house.slot("lo3").delivered();
    await house.send("hi", { priority: 1 });
    expect(asked).toEqual(["lo2"]);
  });

  it("serves only the most urgent class there is", async () => {
    const { house, asked } = await fullHouse();
    house.slot("lo3").delivered();
    await house.send("hi", { priority: 1, onPreempt: () => asked.push("hi") });
    await house.end("lo2");
    await house.send("default", { priority: 2 });
    expect(house.running).toEqual(["lo1", "lo3", "hi"]);
    expect(asked).toEqual(["lo2"]);
  });

  it("does not take back what keeps a class's guarantee", async () => {
    const house = new FairHouse({ preemptible: new Set([3]), trickle: new Map([[3, 2]]) });
    const asked: string[] = [];
    await house.sendAll(names("hi", 4), { priority: 1 });
    await house.send("lo", { priority: 3, onPreempt: () => asked.push("lo") });
    await house.end("hi1");
    await house.end("hi2");
    expect(house.running).toEqual(["lo"]);
    expect(asked).toEqual([]);
  });

  it("hands the slot to whom it was taken for, though another class's trickle is due", async () => {
    const house = new FairHouse({
      capacity: 2,
      preemptible: new Set([4]),
      trickle: new Map([[3, 2]]),
    });
    await house.send("victim", { priority: 4, onPreempt: () => {} });
    await house.send("hi1", { priority: 1 });
    await house.send("due", { priority: 3 });
    await house.send("hi2", { priority: 1 });
    await house.end("hi1");
    await house.send("hi3", { priority: 1 });
    await house.end("victim");
    expect(house.running).toEqual(["hi2", "hi3"]);
    await house.end("hi2");
    expect(house.running).toEqual(["hi3", "due"]);
  });

  it("charges nobody for work that gave way", async () => {
    const house = new FairHouse({ preemptible: new Set([3]) });
    await house.send("lo1", { priority: 3, userId: "u", onPreempt: () => {} });
    await house.sendAll(names("v", 3), { priority: 3, userId: "v" });
    await house.send("hi", { priority: 1 });
    await house.end("lo1");
    await house.send("again", { priority: 3, userId: "u" });
    await house.drain();
    expect(house.started.slice(2, 4)).toContain("again");
  });

  it("survives a holder that cannot be asked", async () => {
    const house = new FairHouse({ preemptible: new Set([3]) });
    const onPreempt = () => {
      throw new Error("cannot stop");
    };
    await house.send("lo", { priority: 3, onPreempt });
    await house.send("hi", { priority: 1 });
    await house.drain();
    expect(house.started).toEqual(["lo", "hi"]);
  });

  it("gives the slot to a waiter whose holder releases while it is asked", async () => {
    const house = new FairHouse({ preemptible: new Set([3]) });
    await house.send("lo", { priority: 3, onPreempt: () => house.slot("lo").release() });
    await house.send("hi", { priority: 1 });
    expect(house.started).toEqual(["lo", "hi"]);
    expect(house.scheduler).toMatchObject({ running: 1, waiting: 0 });
  });
});
