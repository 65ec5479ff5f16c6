import { describe, expect, it } from "vitest";
import { createOperatorCheck } from "../../../shared/identity/index.ts";

describe("an operator", () => {
  const check = createOperatorCheck(["first key", "second key"]);

  it.each(["first key", "second key"])("is whoever has one of the keys: %s", (key) => {
    expect(check([["X-Operator-Key", key]])).toBe("operator");
  });

  it.each(["third key", "first key,second key", "First key", "", "first ke"])(
    "is nobody with another one: %j",
    (key) => {
      expect(check([["x-operator-key", key]])).toBe("refused");
    },
  );

  it("is nobody who shows none", () => {
    expect(check([["authorization", "first key"]])).toBe("unidentified");
  });

  it("is nobody where there are no keys", () => {
    expect(createOperatorCheck([])([["x-operator-key", ""]])).toBe("refused");
  });
});
