import { describe, expect, it } from "vitest";
import { drawTrace } from "../../../local/replay/drawn-trace.ts";
import { type Quantile, valueAt } from "../../../local/replay/quantile-curve.ts";
import { seededRandom } from "../../../local/replay/seeded-random.ts";
import { collect } from "./collect.ts";

const DRAWS = 40_000;

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] ?? Number.NaN;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function expectNear(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual / expected - 1)).toBeLessThan(tolerance);
}

describe("a quantile curve", () => {
  const CURVE: readonly Quantile[] = [
    [0, 1],
    [0.5, 100],
    [1, 1000],
  ];

  it("meets its quantiles and goes evenly in the logarithm between them", () => {
    const values = [0, 0.25, 0.5, 0.75, 1].map((share) => valueAt(CURVE, share));
    const expected = [1, 10, 100, 316.228, 1000];
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 3);
  });
});

describe("seeded numbers", () => {
  it("fill the range from 0 to 1 evenly and differ with the seed", () => {
    const random = seededRandom(7);
    const values = Array.from({ length: DRAWS }, random);
    for (const share of [0.1, 0.5, 0.9]) expect(quantile(values, share)).toBeCloseTo(share, 1);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(seededRandom(8)()).not.toBe(values[0]);
    expect(seededRandom(7)()).toBe(values[0]);
  });
});

describe("a drawn trace", async () => {
  const rows = await collect(drawTrace(1), DRAWS);
  const gaps = rows.slice(1).map((row, i) => (row.atMs - (rows[i]?.atMs ?? 0)) / 1000);

  it("has the sizes of the conversations it stands for", () => {
    const context = rows.map((row) => row.contextTokens);
    const generated = rows.map((row) => row.generatedTokens);
    for (const [share, tokens] of [
      [0.1, 207],
      [0.5, 1020],
      [0.9, 2734],
      [0.99, 4142],
    ] as const) {
      expectNear(quantile(context, share), tokens, 0.06);
    }
    for (const [share, tokens] of [
      [0.1, 54],
      [0.5, 129],
      [0.9, 424],
      [0.99, 601],
    ] as const) {
      expectNear(quantile(generated, share), tokens, 0.06);
    }
    expect(Math.max(...context)).toBeLessThanOrEqual(14_050);
    expect(Math.min(...generated)).toBeGreaterThanOrEqual(7);
  });

  it("arrives in bursts, at the rate of the hour it stands for", () => {
    expectNear(quantile(gaps, 0.5), 0.12, 0.05);
    expectNear(quantile(gaps, 0.99), 0.89, 0.05);
    expectNear(1 / mean(gaps), 5.53, 0.03);
  });

  it("is the same for the same seed only", async () => {
    expect(await collect(drawTrace(1), 5)).toEqual(rows.slice(0, 5));
    expect(await collect(drawTrace(2), 5)).not.toEqual(rows.slice(0, 5));
  });
});
