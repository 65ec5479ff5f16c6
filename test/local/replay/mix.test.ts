import { describe, expect, it } from "vitest";
import { modeAt, parseMix } from "../../../local/replay/mix.ts";

describe("a mix", () => {
  it("gives a mode that is left out no share", () => {
    expect(parseMix("async=0.25, stream=0.75")).toEqual({
      ok: true,
      value: { stream: 0.75, queued: 0, async: 0.25 },
    });
  });

  it("takes shares that add up to 1 but for rounding", () => {
    expect(parseMix("stream=0.333333,queued=0.333333,async=0.333334")).toMatchObject({ ok: true });
    expect(parseMix("stream=0.333333,queued=0.333333,async=0.333333")).toMatchObject({ ok: true });
  });

  it.each([
    ["streams=1", '"streams" is no mode; the modes are stream, queued, async'],
    ["", '"" is no mode'],
    ["toString=1", '"toString" is no mode'],
    ["stream=0.5,queued=0.4", "the shares add up to 0.9, not to 1"],
    ["stream=0.5,stream=0.5", "stream is there twice"],
    ["stream=half,queued=0.5", "the share of stream is no number from 0 to 1"],
    ["stream=", "the share of stream is no number from 0 to 1"],
    ["stream=1=1", "the share of stream is no number from 0 to 1"],
    ["stream=1.5,queued=-0.5", "the share of stream is no number from 0 to 1"],
  ])("refuses %j", (text, problem) => {
    expect(parseMix(text)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });

  it("gives every mode its part of the range, and the sliver at the end to one in use", () => {
    const mix = { stream: 0.5, queued: 0.499999, async: 0 };
    expect([0, 0.499, 0.5, 0.99].map((point) => modeAt(mix, point))).toEqual([
      "stream",
      "stream",
      "queued",
      "queued",
    ]);
    expect(modeAt(mix, 0.9999999)).toBe("queued");
  });
});
