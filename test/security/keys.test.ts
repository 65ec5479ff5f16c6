import * as crypto from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { createOperatorCheck } from "../../shared/identity/index.ts";

vi.mock("node:crypto", { spy: true });

const KEYS = ["the first key", "the second key", "a third, which is far longer than both"];

/** What is compared for a key that somebody shows. */
function comparisons(shown: string) {
  const compared = vi.mocked(crypto.timingSafeEqual);
  compared.mockClear();
  const standing = createOperatorCheck(KEYS)([["x-operator-key", shown]]);
  return {
    standing,
    lengths: compared.mock.calls.map(([one, other]) => [one.byteLength, other.byteLength]),
  };
}

const SHOWN = [...KEYS, "", "t", "the first kez", "x".repeat(10_000), "the first key\0"];

describe("an operator's key", () => {
  it.each(SHOWN)("takes the same comparisons, right or wrong, long or short: %#", (shown) => {
    const { standing, lengths } = comparisons(shown);
    expect(standing).toBe(KEYS.includes(shown) ? "operator" : "refused");
    // All of the keys, each as a digest: neither its length nor its place is told by the time.
    expect(lengths).toEqual(KEYS.map(() => [32, 32]));
  });

  it("is one, whole and alone", () => {
    const check = createOperatorCheck(KEYS);
    for (const shown of [KEYS.join(), `${KEYS[0]} `, "the first", KEYS[0]?.toUpperCase() ?? ""]) {
      expect(check([["x-operator-key", shown]])).toBe("refused");
    }
    expect(check([])).toBe("unidentified");
    expect(createOperatorCheck([])([["x-operator-key", ""]])).toBe("refused");
  });
});
