import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openDataFolder } from "../../local/data-folder.ts";
import { StartError } from "../../local/service.ts";

describe("the data folder", () => {
  it("is made with all that leads to it, and is free again once it is released", () => {
    const parent = mkdtempSync(join(tmpdir(), "data-folder-"));
    onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
    const path = join(parent, "of", "mine");
    const folder = openDataFolder(path);
    expect(existsSync(join(path, "stack.pid"))).toBe(true);
    folder.release();
    expect(openDataFolder(path).masterKey).toBe(folder.masterKey);
  });

  // Where there is a /proc, node's own recursive mkdir never returns there.
  it("is refused by name where no folder can be made", () => {
    const path = "/proc/no/such/place";
    expect(() => openDataFolder(path)).toThrow(StartError);
    expect(() => openDataFolder(path)).toThrow(path);
    expect(() => openDataFolder(path)).toThrow("Set LOCAL_DATA_DIR");
  });
});
