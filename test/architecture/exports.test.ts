import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, namesTaken, sourceFiles } from "./imports.ts";

const files = ["shared", "functions", "local", "test"].flatMap(sourceFiles);

// What is started, loaded by its path, or put by the build in the place of a library's own file.
const ENTRIES = new Set([
  "functions/index.ts",
  "functions/lazy-request.ts",
  "functions/url-query.ts",
  "functions/operations-page/build-page.ts",
  "local/service-entry.ts",
]);
const isEntry = (file: string): boolean =>
  ENTRIES.has(file) || /\/main\.ts$|\.worker\.ts$/.test(file);

describe("what rooms give", () => {
  it("is taken by somebody: no door opens onto what only its own room uses", () => {
    const taken = new Set(
      files.flatMap((file) =>
        namesTaken(file)
          .filter(({ target }) => !file.startsWith(`${dirname(target)}/`))
          .map(({ target, name }) => `${name} of ${target}`),
      ),
    );
    const offered = files
      .filter((file) => /^shared\/\w+\/index\.ts$/.test(file))
      .flatMap((door) => namesTaken(door).map(({ name }) => `${name} of ${door}`));
    expect(offered.filter((name) => !taken.has(name))).toEqual([]);
  });

  it("is run: every file of the product is reached from one that is started", () => {
    const product = files.filter((file) => !file.startsWith("test/"));
    const reached = new Set(product.flatMap(importsOf));
    expect(product.filter((file) => !reached.has(file) && !isEntry(file))).toEqual([]);
  });
});
