import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { retryAfterMs } from "../../../shared/core/retry-after.ts";

const NOW = Date.UTC(2026, 0, 1);

const read = (retryAfter: string): number | undefined =>
  retryAfterMs([["Retry-After", retryAfter]], NOW);

describe("retryAfterMs", () => {
  it.each([
    ["3", 3000],
    [" 3 ", 3000],
    ["0", 0],
    ["1.5", 1500],
    ["Thu Jan  1 00:00:05 2026", 5000],
    ["Thu, 01 Jan 2026 02:00:05 +0200", 5000],
    ["Thu, 01 Jan 2026 00:00:05 GMT", 5000],
    ["Thursday, 01-Jan-26 00:00:05 GMT", 5000],
    ["Wed, 31 Dec 2025 23:59:59 GMT", 0],
  ])("reads %s as %d ms", (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it.each([
    "",
    "soon",
    "soon 1",
    "1.",
    ".5",
    "1.5s",
    "-5",
    "1-2",
    "Infinity",
    "12 apples",
    "9".repeat(400),
  ])("reads nothing from %j", (text) => {
    expect(read(text)).toBeUndefined();
  });

  it.each(["9".repeat(30), "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])(
    "reads no more than a century from %j, whose end can be written as others read it",
    (text) => {
      expect(read(text)).toBe(100 * 365 * 86_400_000);
      expect(new Date(NOW + Number(read(text))).toISOString()).toMatch(/^\d{4}-/);
    },
  );

  it("takes a date for GMT wherever it runs", () => {
    vi.stubEnv("TZ", "America/New_York");
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(new Date(NOW).getHours()).not.toBe(0);
    for (const date of ["Thu Jan  1 00:00:05 2026", "Thu, 01 Jan 2026 00:00:05"]) {
      expect(read(date)).toBe(5000);
    }
  });

  it("prefers the exact milliseconds that Azure OpenAI sends", () => {
    const headers = [
      ["retry-after", "2"],
      ["Retry-After-Ms", "1500"],
    ] as const;
    expect(retryAfterMs(headers, NOW)).toBe(1500);
  });

  it("falls back to the seconds when the milliseconds cannot be read", () => {
    const headers = [
      ["retry-after-ms", "-1"],
      ["retry-after", "2"],
    ] as const;
    expect(retryAfterMs(headers, NOW)).toBe(2000);
  });

  it("says nothing without either header", () => {
    expect(retryAfterMs([["x", "1"]], NOW)).toBeUndefined();
  });

  it("never gives a wait that is negative or endless, whatever it is sent", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (exact, text) => {
        const wait =
          retryAfterMs(
            [
              ["retry-after-ms", exact],
              ["retry-after", text],
            ],
            NOW,
          ) ?? 0;
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(Number.isFinite(wait)).toBe(true);
      }),
    );
  });
});
