import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../local/simulate/virtual-clock.ts";
import { delay } from "../../../shared/core/clock.ts";

describe("the virtual clock", () => {
  it("runs timers by time, and those of one moment in the order in which they were set", async () => {
    const clock = new VirtualClock(1000);
    const ran: string[] = [];
    const note = (name: string) => () => void ran.push(`${name} ${clock.now()}`);
    clock.schedule(20, note("late"));
    clock.schedule(10, note("first"));
    clock.schedule(10, note("second"));
    clock.schedule(-5, note("now"));
    while (await clock.step());
    expect(ran).toEqual(["now 1000", "first 1010", "second 1010", "late 1020"]);
  });

  it("lets all promises settle before the next timer", async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    const work = async () => {
      await delay(clock, 10);
      for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      seen.push(clock.now());
      await delay(clock, 1);
      seen.push(clock.now());
    };
    const done = work();
    clock.schedule(10, () => {});
    clock.schedule(12, () => {});
    while (await clock.step());
    await done;
    expect(seen).toEqual([10, 11]);
  });

  it("advances to a moment without what is due then, and never back", async () => {
    const clock = new VirtualClock(0);
    const ran: number[] = [];
    for (const dueAt of [5, 10, 15]) clock.schedule(dueAt, () => void ran.push(dueAt));
    await clock.advanceTo(10);
    expect([clock.now(), ran]).toEqual([10, [5]]);
    await clock.advanceTo(3);
    expect([clock.now(), ran]).toEqual([10, [5]]);
    await clock.step();
    expect(ran).toEqual([5, 10]);
  });

  it("rounds up, so that nothing is early, and forgets what is cancelled", async () => {
    const clock = new VirtualClock(0);
    const ran: number[] = [];
    const cancel = clock.schedule(1, () => void ran.push(-1));
    clock.schedule(1.2, () => void ran.push(clock.now()));
    cancel();
    cancel();
    while (await clock.step());
    expect(ran).toEqual([2]);
    expect(await clock.step()).toBe(false);
  });
});
