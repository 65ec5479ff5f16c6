import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTimeToLive } from "../../../shared/admission/time-to-live.ts";

const NOW = Date.UTC(2026, 0, 1);
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");

describe("parseTimeToLive", () => {
  it.each([
    ["60", NOW + 60_000],
    ["0.5", NOW + 500],
    [".5", NOW + 500],
    ["5.", NOW + 5000],
    ["1e3", NOW + 1_000_000],
    [" 60 ", NOW + 60_000],
    ["-5", NOW - 5000],
    ["0", NOW],
    ["+1893456000", 1_893_456_000_000],
    ["+5.5", NOW + 5500],
    ["2026-01-01T00:01:00Z", NOW + 60_000],
    ["2026-01-01T01:01:00+01:00", NOW + 60_000],
    ["2026-01-02", NOW + 86_400_000],
    ["Thu, 01 Jan 2026 00:01:00 GMT", NOW + 60_000],
    ["1/2/2026 00:00:00Z", NOW + 86_400_000],
    ["January 2, 2026 00:00:00 UTC", NOW + 86_400_000],
  ])("reads %j as the original does", (text, expected) => {
    expect(parseTimeToLive(text, NOW)).toBe(expected);
  });

  it.each(["+253402300800", "8e12", "1e12", "Fri, 01 Jan 10000 00:00:00 GMT"])(
    "takes %j for the end of the year 9999, which can be written as others read it",
    (text) => {
      expect(parseTimeToLive(text, NOW)).toBe(LATEST_MS);
    },
  );

  it.each([
    "",
    "soon",
    "soon 1",
    "soon 1-2",
    "in 5 minutes",
    "1e30",
    "-1e30",
    "Infinity",
    "NaN",
    "+99999999999999",
    "+",
    "9".repeat(400),
    "60, 90",
    "2026-13-45",
    "0x10",
    "60s",
  ])("reads no time from %j", (text) => {
    expect(parseTimeToLive(text, NOW)).toBeUndefined();
  });

  it("counts any number of seconds from arrival", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), (seconds) => {
        expect(parseTimeToLive(String(seconds), NOW)).toBe(NOW + seconds * 1000);
      }),
    );
  });

  it("gives a moment that a date can hold, or none, for whatever it is sent", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String)), (text) => {
        const expiresAt = parseTimeToLive(text, NOW);
        if (expiresAt === undefined) return;
        expect(Number.isInteger(expiresAt)).toBe(true);
        expect(expiresAt).toBeLessThanOrEqual(LATEST_MS);
        expect(new Date(expiresAt).getTime()).toBe(expiresAt);
      }),
    );
  });
});
