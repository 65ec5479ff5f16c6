import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlidingWindow } from "../../../shared/limits/sliding-window.ts";

const WINDOW_MS = 60_000;
const SLOT_MS = 1000;
const makeWindow = () => new SlidingWindow({ windowMs: WINDOW_MS, slots: WINDOW_MS / SLOT_MS });
const slotOf = (ms: number) => Math.floor(ms / SLOT_MS);

describe("a sliding window", () => {
  it("always tells the sum of what is less than a window old, to the slot", () => {
    const steps = fc.array(fc.record({ gapMs: fc.nat(20_000), amount: fc.nat(50) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const window = makeWindow();
        const added: { at: number; amount: number }[] = [];
        let now = 1_700_000_000_000;
        for (const { gapMs, amount } of list) {
          now += gapMs;
          window.add(now, amount, now);
          added.push({ at: now, amount });
          const expected = added
            .filter(({ at }) => slotOf(now) - slotOf(at) < WINDOW_MS / SLOT_MS)
            .reduce((sum, item) => sum + item.amount, 0);
          expect(window.total(now)).toBeCloseTo(expected, 6);
        }
      }),
    );
  });

  it("tells honestly how long to wait: then, and not a slot earlier, enough has left", () => {
    const window = makeWindow();
    const start = 1_700_000_000_000;
    window.add(start, 3, start);
    window.add(start + 5000, 4, start + 5000);
    const now = start + 10_000;
    const waitMs = window.waitFor(4, now);
    expect(window.total(now + waitMs - SLOT_MS)).toBeGreaterThan(3);
    expect(window.total(now + waitMs)).toBeLessThanOrEqual(3);
  });

  it("corrects an amount where it was added, and not at all once that has left", () => {
    const window = makeWindow();
    window.add(0, 10, 0);
    window.add(0, -4, 30_000);
    expect(window.total(30_000)).toBe(6);
    window.add(0, -6, 61_000);
    expect(window.total(61_000)).toBe(0);
  });

  it("counts on when a clock that was ahead is set right", () => {
    const window = makeWindow();
    const now = 1_700_000_000_000;
    window.add(now + 3_600_000, 3, now + 3_600_000);
    window.add(now, 5, now);
    window.add(now + 1000, 2, now + 1000);
    expect(window.total(now + 1000)).toBe(7);
    // Of a few seconds nothing is lost.
    window.add(now - 5000, 1, now - 5000);
    expect(window.total(now + 1000)).toBe(8);
  });
});
