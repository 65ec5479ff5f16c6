import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { RotatingFile } from "../../../shared/exporters/rotating-file.ts";

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "rotating-file-"));
  folders.push(folder);
  return folder;
};
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

describe("a file that rotates", () => {
  it("goes on in a new file when one is full, and keeps no more than so many", async () => {
    const path = join(newFolder(), "events.json");
    const file = new RotatingFile({ path, maxBytes: 30, files: 3 });
    for (let number = 0; number < 10; number++) await file.append([`line ${number}`, "more"]);
    const kept = readdirSync(join(path, "..")).sort();
    expect(kept).toEqual(["events.json", "events.json.1", "events.json.2"]);
    const texts = kept.map((name) => readFileSync(join(path, "..", name), "utf8"));
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(30);
    expect(texts[0]).toBe("line 8\nmore\nline 9\nmore\n");
  });

  it("goes on where an earlier process ended", async () => {
    const path = join(newFolder(), "events.json");
    await new RotatingFile({ path, maxBytes: 100, files: 2 }).append(["first"]);
    await new RotatingFile({ path, maxBytes: 100, files: 2 }).append(["second"]);
    expect(readFileSync(path, "utf8")).toBe("first\nsecond\n");
    await new RotatingFile({ path, maxBytes: 15, files: 1 }).append(["third"]);
    expect(readFileSync(path, "utf8")).toBe("third\n");
  });
});
