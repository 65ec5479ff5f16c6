import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { namedTest, ROOT, sourceOf } from "./weakened/weakening.ts";
import { WEAKENINGS } from "./weakened/weakenings.ts";

const SUITE = "security";
const SELF = "weakened.test.ts";

/** The titles of a file's tests, as its source has them. */
function titlesIn(file: string): string[] {
  const found = sourceOf(join("test", file)).matchAll(/(?:\bit\(|\)\()\s*"((?:[^"\\]|\\.)+)"/g);
  return [...found].map(([, title = ""]) => JSON.parse(`"${title}"`) as string);
}

const breaks = WEAKENINGS.flatMap((weakening) => weakening.breaks);

describe("npm run test:weakened", () => {
  it("finds every place that it weakens, once", () => {
    const lost = WEAKENINGS.flatMap(({ name, edits }) =>
      edits
        .filter(([file, find]) => sourceOf(file).split(find).length !== 2)
        .map(([file, find]) => `${name}: ${file} has not, or more than once: ${find}`),
    );
    expect(lost).toEqual([]);
  });

  it("finds every test that it expects to fail", () => {
    const lost = breaks.filter((text) => {
      const { file, title } = namedTest(text);
      return !titlesIn(file).includes(title);
    });
    expect(lost).toEqual([]);
  });

  it("weakens something for each test of the suite", () => {
    const files = readdirSync(join(ROOT, "test", SUITE)).filter(
      (name) => name.endsWith(".test.ts") && name !== SELF,
    );
    expect(files.length).toBeGreaterThan(5);
    const unseen = files
      .flatMap((name) => titlesIn(`${SUITE}/${name}`).map((title) => `${SUITE}/${name} > ${title}`))
      .filter((text) => !breaks.includes(text));
    expect(unseen).toEqual([]);
  });

  it("has one name for each weakening", () => {
    const names = WEAKENINGS.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});
