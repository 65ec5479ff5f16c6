import { describe, expect, it } from "vitest";
import { createDeadline } from "../../../shared/core/deadline.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { listenerCount } from "../../support/listener-count.ts";

const reason = (): Error => new Error("too late");

describe("a deadline", () => {
  it("aborts with its own reason when its moment comes", async () => {
    const clock = new FakeClock();
    using deadline = createDeadline(clock, clock.now() + 50, { reason });
    await clock.advance(49);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.reason).toEqual(new Error("too late"));
  });

  it("aborts in the next turn when its moment has passed", async () => {
    const clock = new FakeClock();
    using deadline = createDeadline(clock, clock.now() - 1, { reason });
    await clock.advance(0);
    expect(deadline.signal.aborted).toBe(true);
  });

  it("aborts with its parent's reason when the parent aborts first", () => {
    const parent = new AbortController();
    using deadline = createDeadline(new FakeClock(), Number.MAX_SAFE_INTEGER, {
      reason,
      parent: parent.signal,
    });
    parent.abort(new Error("gone"));
    expect(deadline.signal.reason).toEqual(new Error("gone"));
  });

  it("is over from the start when its parent is", () => {
    const gone = new Error("gone");
    using deadline = createDeadline(new FakeClock(), Number.MAX_SAFE_INTEGER, {
      reason,
      parent: AbortSignal.abort(gone),
    });
    expect(deadline.signal.reason).toBe(gone);
  });

  it("holds neither timer nor listener once disposed, and never aborts any more", async () => {
    const clock = new FakeClock();
    const parent = new AbortController();
    const deadline = createDeadline(clock, clock.now() + 50, { reason, parent: parent.signal });
    expect([clock.pending, listenerCount(parent.signal)]).toEqual([1, 1]);
    deadline[Symbol.dispose]();
    expect([clock.pending, listenerCount(parent.signal)]).toEqual([0, 0]);
    parent.abort();
    await clock.advance(100);
    expect(deadline.signal.aborted).toBe(false);
  });
});
