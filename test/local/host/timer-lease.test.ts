import { describe, expect, it, onTestFinished } from "vitest";
import { TimerLease } from "../../../local/host/timers/timer-lease.ts";
import { systemClock } from "../../../shared/core/clock.ts";
import { durableDir } from "../../support/durable-dir.ts";

function leases(count: number): TimerLease[] {
  const dir = durableDir();
  onTestFinished(() => dir[Symbol.dispose]());
  return Array.from({ length: count }, () => new TimerLease(dir.path, systemClock));
}

describe("the lease of an app's timers", () => {
  it("is held by one host at a time, and goes on to another", async () => {
    const [first, second] = leases(2) as [TimerLease, TimerLease];
    expect(await first.hold()).toBe(true);
    const order: string[] = [];
    const held = second.hold().then((isHeld) => {
      order.push("second");
      return isHeld;
    });
    // A turn of the second's own waiting, in which it must not have it.
    await new Promise((resolve) => systemClock.schedule(0, () => resolve(undefined)));
    order.push("released");
    first.release();
    expect(await held).toBe(true);
    expect(order).toEqual(["released", "second"]);
    second.release();
  });

  it("is not taken by a host that stops while it waits", async () => {
    const [first, second, third] = leases(3) as [TimerLease, TimerLease, TimerLease];
    expect(await first.hold()).toBe(true);
    const held = second.hold();
    second.release();
    expect(await held).toBe(false);
    first.release();
    expect(await third.hold()).toBe(true);
    third.release();
  });
});
