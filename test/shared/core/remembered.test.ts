import { describe, expect, it } from "vitest";
import { remembered } from "../../../shared/core/remembered.ts";

function counting(options?: { maxTexts?: number; maxLength?: number }) {
  const worked: string[] = [];
  const upper = remembered((text) => {
    worked.push(text);
    return text.toUpperCase();
  }, options);
  return { upper, worked };
}

describe("remembered", () => {
  it("works out each text once", () => {
    const { upper, worked } = counting();
    expect(["a", "b", "a"].map(upper)).toEqual(["A", "B", "A"]);
    expect(worked).toEqual(["a", "b"]);
  });

  it("holds no more than it may, whatever comes", () => {
    const { upper, worked } = counting({ maxTexts: 2 });
    expect(["a", "b", "c", "c", "a"].map(upper)).toEqual(["A", "B", "C", "C", "A"]);
    expect(worked).toEqual(["a", "b", "c", "a"]);
  });

  it("keeps no long text", () => {
    const { upper, worked } = counting({ maxLength: 1 });
    expect(["aa", "aa"].map(upper)).toEqual(["AA", "AA"]);
    expect(worked).toEqual(["aa", "aa"]);
  });
});
