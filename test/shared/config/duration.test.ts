import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromIsoDuration } from "../../../shared/config/duration.ts";

describe("fromIsoDuration", () => {
  it.each([
    ["PT0S", 0],
    ["PT1M", 60_000],
    ["P7D", 604_800_000],
    ["P1DT2H3M4.5S", 93_784_500],
  ])("reads %s as %d ms", (text, expected) => {
    expect(fromIsoDuration(text)).toBe(expected);
  });

  it.each([
    "",
    "P",
    "PT",
    "1M",
    "P1M",
    "P1Y",
    "PT1D",
    "-PT1M",
    "pt1m",
    "PT1M ",
    "00:01:00",
    "P1DT",
  ])("reads nothing from %j", (text) => {
    expect(fromIsoDuration(text)).toBeUndefined();
  });

  it("adds up days, hours, minutes and seconds", () => {
    const part = fc.nat(10_000);
    fc.assert(
      fc.property(part, part, part, part, (d, h, m, s) => {
        const expected = (((d * 24 + h) * 60 + m) * 60 + s) * 1000;
        expect(fromIsoDuration(`P${d}DT${h}H${m}M${s}S`)).toBe(expected);
      }),
    );
  });
});
