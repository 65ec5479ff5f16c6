import { describe, expect, it } from "vitest";
import { addUsage } from "../../../shared/jobs/index.ts";

const reported = { provenance: "reported", model: "m" } as const;

describe("what answers used together", () => {
  it("is the sum of each count that any of them told", () => {
    const one = { ...reported, tokens: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } };
    const other = { ...reported, tokens: { inputTokens: 4, totalTokens: 4 } };
    expect(addUsage(one, other)).toEqual({
      ...reported,
      tokens: { inputTokens: 5, outputTokens: 2, totalTokens: 7 },
    });
    expect(addUsage(undefined, one)).toEqual(one);
    expect(addUsage(one, undefined)).toEqual(one);
  });

  it.each([
    ["reported", "reported", "reported"],
    ["reported", "estimated", "estimated"],
    ["reported", "unknown", "partial"],
    ["estimated", "partial", "partial"],
    ["unknown", "unknown", "unknown"],
  ] as const)("of %s and %s counts is %s", (one, other, sum) => {
    const usage = addUsage({ provenance: one }, { provenance: other });
    expect(usage).toEqual({ provenance: sum });
  });

  it("is of no one model where they differ", () => {
    expect(addUsage(reported, { ...reported, model: "n" })).toEqual({ provenance: "reported" });
  });
});
