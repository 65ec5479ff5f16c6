import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asyncWish } from "../../../shared/admission/async-wish.ts";
import type { HeaderList } from "../../../shared/core/headers.ts";

const HEADER = "S7PAsyncMode";
const asked = { kind: "asked" };

describe("asyncWish", () => {
  it.each<[string, HeaderList, object]>([
    ["the header says true", [["s7pasyncmode", " TRUE "]], asked],
    [
      "the client prefers it",
      [["Prefer", "respond-async"]],
      { ...asked, preference: "respond-async" },
    ],
    [
      "the client prefers it among others",
      [["prefer", 'return=minimal; foo="a", Respond-Async']],
      { ...asked, preference: "respond-async" },
    ],
    [
      "a second Prefer header says so, with a wait",
      [
        ["Prefer", "wait=10"],
        ["Prefer", "respond-async"],
      ],
      { ...asked, waitMs: 10_000, preference: "respond-async, wait=10" },
    ],
    [
      "the wait is written twice: the first counts",
      [["Prefer", "respond-async, wait=5, wait=50"]],
      { ...asked, waitMs: 5000, preference: "respond-async, wait=5" },
    ],
    [
      "the wait cannot be read",
      [["Prefer", "respond-async, wait=soon"]],
      { ...asked, preference: "respond-async" },
    ],
    [
      "the header asks and a wait is preferred",
      [
        [HEADER, "true"],
        ["Prefer", 'wait="2"'],
      ],
      { ...asked, waitMs: 2000, preference: "wait=2" },
    ],
  ])("is asked when %s", (_, headers, expected) => {
    expect(asyncWish(headers, HEADER)).toEqual(expected);
  });

  it.each<[string, HeaderList, string]>([
    ["nothing says so", [], "unsaid"],
    ["only a wait is preferred", [["Prefer", "wait=10"]], "unsaid"],
    ["the preference is another", [["Prefer", "respond-asynchronously"]], "unsaid"],
    ["the header says 1, as the original reads it", [[HEADER, "1"]], "refused"],
    [
      "the header says false, whatever is preferred",
      [
        [HEADER, "false"],
        ["Prefer", "respond-async"],
      ],
      "refused",
    ],
  ])("is not when %s", (_, headers, kind) => {
    expect(asyncWish(headers, HEADER)).toEqual({ kind });
  });

  it("reads any Prefer header without failing, and waits no longer than a day", () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (junk, seconds) => {
        const wish = asyncWish([["Prefer", `respond-async, wait=${seconds}, ${junk}`]], HEADER);
        expect(wish.kind === "asked" && wish.waitMs).toBe(Math.min(seconds, 86_400) * 1000);
      }),
    );
  });
});
