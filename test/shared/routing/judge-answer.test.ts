import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exhaustedStatus, isPassedOn } from "../../../shared/routing/index.ts";

describe("isPassedOn", () => {
  it.each([200, 201, 202, 204, 206, 300, 400, 401, 403, 405, 408, 409, 413, 422, 451])(
    "hands %d on to the client",
    (status) => {
      expect(isPassedOn(status)).toBe(true);
    },
  );

  it.each([301, 302, 304, 307, 399, 404, 412, 429, 500, 502, 503, 529, 599])(
    "tries the next backend after %d",
    (status) => {
      expect(isPassedOn(status)).toBe(false);
    },
  );
});

describe("exhaustedStatus", () => {
  it.each([
    [[], 503],
    [[429], 429],
    [[429, 408], 408],
    [[408, 412, 429], 429],
    [[404, 404], 404],
    [[500, 500, 500], 500],
    [[500, 503], 502],
    [[429, 500], 502],
    [[404, 429], 502],
    [[302, 302], 302],
  ])("makes of %j the status %d", (statuses, expected) => {
    expect(exhaustedStatus(statuses)).toBe(expected);
  });

  it("never makes a success of failures", () => {
    const failure = fc.integer({ min: 301, max: 599 });
    fc.assert(
      fc.property(fc.array(failure), (statuses) => {
        expect(exhaustedStatus(statuses)).toBeGreaterThan(300);
      }),
    );
  });
});
