import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorKind } from "../../../shared/core/errors.ts";
import { tableRows } from "../../support/markdown-table.ts";

describe("the catalogue of errors", () => {
  it("is what docs/errors.md says, code by code", () => {
    const documented = tableRows("docs/errors.md").map(([code, status, retryable]) => [
      code,
      Number(status),
      retryable,
    ]);
    const catalogue = Object.entries<ErrorKind>(ERRORS).map(([code, { status, retryable }]) => [
      code,
      status,
      retryable ? "yes" : "no",
    ]);
    expect(documented.sort()).toEqual(catalogue.sort());
  });

  it("says of each code what it means and what to do", () => {
    for (const row of tableRows("docs/errors.md")) {
      expect(row).toHaveLength(5);
      expect(row.every((cell) => cell !== "")).toBe(true);
    }
  });

  it("answers with error statuses only", () => {
    for (const { status } of Object.values<ErrorKind>(ERRORS)) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(600);
    }
  });
});
