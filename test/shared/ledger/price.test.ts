import { describe, expect, it } from "vitest";
import { createCostOf, type LedgerRow, NO_COUNTS } from "../../../shared/ledger/index.ts";
import { USED_AT } from "../../support/usage-events.ts";

const row = (change: Partial<LedgerRow>): LedgerRow => ({
  ...NO_COUNTS,
  hourAt: USED_AT,
  user: "ann",
  group: "",
  model: "gpt-4o-2024-08-06",
  backend: "Host1",
  priority: 2,
  kind: "answer",
  provenance: "reported",
  serviceTier: "default",
  ...change,
});

describe("createCostOf", () => {
  const costOf = createCostOf([
    { model: "gpt-4o-mini*", input: 0.15, output: 0.6 },
    { model: "gpt-4o*", input: 2.5, cachedInput: 1.25, output: 10, from: "2026-11-01" },
    { model: "gpt-4o*", input: 5, output: 20 },
    { model: "audio*", input: 2, output: 8, cachedInput: 1, audioInput: 40, audioOutput: 80 },
    { model: "claude*", input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 },
  ]);

  it("prices input, input from a cache, and output apart", () => {
    const tokens = { inputTokens: 1_000_000, cacheReadInputTokens: 400_000, outputTokens: 100_000 };
    expect(costOf(row(tokens))).toBeCloseTo(0.6 * 2.5 + 0.4 * 1.25 + 1, 9);
  });

  it("prices input that went into a cache", () => {
    const tokens = {
      inputTokens: 1_000_000,
      cacheReadInputTokens: 500_000,
      cacheCreationInputTokens: 200_000,
    };
    expect(costOf(row({ model: "claude-x", ...tokens }))).toBeCloseTo(
      0.3 * 3 + 0.5 * 0.3 + 0.2 * 3.75,
      9,
    );
  });

  it("prices sounds apart from texts, and as those where no price is given", () => {
    const tokens = {
      ...{ inputTokens: 1_000_000, cacheReadInputTokens: 100_000, audioInputTokens: 300_000 },
      ...{ outputTokens: 500_000, audioOutputTokens: 200_000 },
    };
    expect(costOf(row({ model: "audio-1", ...tokens }))).toBeCloseTo(
      0.6 * 2 + 0.1 * 1 + 0.3 * 40 + 0.3 * 8 + 0.2 * 80,
      9,
    );
    expect(costOf(row(tokens))).toBeCloseTo(0.9 * 2.5 + 0.1 * 1.25 + 0.5 * 10, 9);
    const more = { ...tokens, audioInputTokens: 2_000_000, audioOutputTokens: 2_000_000 };
    expect(costOf(row({ model: "audio-1", ...more }))).toBeCloseTo(0.9 * 40 + 0.1 + 0.5 * 80, 9);
  });

  it("takes the first entry that matches and holds in that hour", () => {
    const tokens = { inputTokens: 1_000_000 };
    expect(costOf(row({ ...tokens, model: "GPT-4o-mini" }))).toBe(0.15);
    expect(costOf(row({ ...tokens, hourAt: Date.parse("2026-10-31T23:00:00Z") }))).toBe(5);
    expect(costOf(row({ ...tokens, hourAt: Date.parse("2026-11-01T00:00:00Z") }))).toBe(2.5);
  });

  it("is that of a tier, and of a backend, where such an entry stands first", () => {
    const priced = createCostOf([
      { model: "*", backend: "Host7", input: 0, output: 0 },
      { model: "gpt-5*", serviceTier: "priority", backend: "host1*", input: 4, output: 0 },
      { model: "gpt-5*", serviceTier: "priority", input: 3, output: 0 },
      { model: "gpt-5*", serviceTier: "default", input: 2, output: 0 },
      { model: "gpt-5*", input: 1, output: 0 },
    ]);
    const costOfTier = (serviceTier: string, backend: string) =>
      priced(row({ model: "gpt-5.1", inputTokens: 1_000_000, serviceTier, backend }));
    expect(costOfTier("default", "Host2")).toBe(2);
    expect(costOfTier("flex", "Host2")).toBe(1);
    expect(costOfTier("priority", "Host2")).toBe(3);
    expect(costOfTier("priority", "Host12")).toBe(4);
    expect(costOfTier("priority", "Host7")).toBe(0);
    const [unpriced] = [createCostOf([{ model: "*", serviceTier: "flex", input: 1, output: 1 }])];
    expect(unpriced(row({ inputTokens: 1 }))).toBeUndefined();
  });

  it("has no price for a model that no entry names, and none for failed attempts", () => {
    expect(costOf(row({ model: "other", inputTokens: 1 }))).toBeUndefined();
    expect(costOf(row({ model: "xgpt-4o", inputTokens: 1 }))).toBeUndefined();
    expect(costOf(row({ kind: "attempt", inputTokens: 1_000_000 }))).toBe(0);
  });
});
