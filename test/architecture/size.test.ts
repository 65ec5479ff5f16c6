import { describe, expect, it } from "vitest";
import { sourceFiles, sourceText } from "./imports.ts";

const MAX_LINES = 300;

describe("the size of the house's parts", () => {
  it(`keeps every file within ${MAX_LINES} lines`, () => {
    const tooLong = ["shared", "functions", "local", "test"]
      .flatMap(sourceFiles)
      .map((file) => ({ file, lines: sourceText(file).split("\n").length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES);
    expect(tooLong).toEqual([]);
  });

  it("has no folder for what found no room", () => {
    const homeless = ["shared", "functions", "local", "test"]
      .flatMap(sourceFiles)
      .filter((file) => /(^|\/)(utils?|common|helpers?|misc)\//.test(file));
    expect(homeless).toEqual([]);
  });
});
