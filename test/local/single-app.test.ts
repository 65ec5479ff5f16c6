import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { reasonToSkip, SINGLE_APP } from "../roles/single-app.ts";

const ROOT = join(import.meta.dirname, "..", "..");

it.each(SINGLE_APP)("what is left out with roles is there: $file $test", ({ file, test }) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  // The last word may be one of several values that a test is tried with.
  if (test !== undefined) expect(text).toContain(`"${test.replace(/ \S+$/, "")}`);
  expect(reasonToSkip(file, test ?? "any")).toBeDefined();
  expect(reasonToSkip(file, "another test") === undefined).toBe(test !== undefined);
});
