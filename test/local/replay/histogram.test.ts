import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Histogram } from "../../../local/replay/histogram.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

const durations = fc.array(fc.integer({ min: 0, max: 86_400_000 }), {
  minLength: 1,
  maxLength: 200,
});
const SHARES = [0.01, 0.5, 0.95, 0.99, 1];

describe("a histogram", () => {
  it("knows nothing while it is empty", () => {
    expect(new Histogram().percentile(0.5)).toBeUndefined();
  });

  it("is within half a percent, or a millisecond, of the exact percentile", () => {
    fc.assert(
      fc.property(durations, fc.constantFrom(...SHARES), (values, share) => {
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(share * values.length) - 1] ?? Number.NaN;
        const found = histogramOf(values).percentile(share) ?? Number.NaN;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(1, exact * 0.00501));
      }),
    );
  });

  it("gives what one of all values gives after a merge", () => {
    fc.assert(
      fc.property(durations, durations, fc.constantFrom(...SHARES), (left, right, share) => {
        const merged = histogramOf(left);
        merged.merge(histogramOf(right));
        expect(merged.count).toBe(left.length + right.length);
        expect(merged.percentile(share)).toBe(histogramOf([...left, ...right]).percentile(share));
      }),
    );
  });

  it("takes what a clock that was set back makes of a duration for zero", () => {
    expect(histogramOf([-5]).percentile(0.5)).toBe(0);
  });
});
