import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { databaseFile, openDatabase } from "../../../local/durable/store/open-database.ts";
import { StartError } from "../../../local/service.ts";
import { durableDir } from "../../support/durable-dir.ts";

function opening(dataDir: string, hubName = "TestHub"): unknown {
  try {
    openDatabase(dataDir, hubName).close();
    return "opened";
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
}

describe("opening the database", () => {
  it("makes the folder and the file, and opens them again", () => {
    using dir = durableDir();
    const folder = join(dir.path, "deep", "er");
    expect(opening(folder)).toBe("opened");
    expect(opening(folder)).toBe("opened");
  });

  it("names a file that is no database", () => {
    using dir = durableDir();
    const file = databaseFile(dir.path, "TestHub");
    writeFileSync(file, "this is not a database, ".repeat(100));
    expect(opening(dir.path)).toMatch(`${file} is damaged`);
  });

  it("names a database whose pages are damaged", () => {
    using dir = durableDir();
    opening(dir.path);
    const file = databaseFile(dir.path, "TestHub");
    const bytes = readFileSync(file);
    bytes.fill(0xff, 4096, 3 * 4096);
    writeFileSync(file, bytes);
    expect(opening(dir.path)).toMatch(`${file} is damaged`);
  });

  it("does not touch a database that another program has written", () => {
    using dir = durableDir();
    const foreign = new DatabaseSync(databaseFile(dir.path, "TestHub"));
    foreign.exec("CREATE TABLE theirs (n)");
    foreign.close();
    expect(opening(dir.path)).toMatch("was not written by this version");
  });

  it("refuses a file that another engine has open", () => {
    using dir = durableDir();
    const first = openDatabase(dir.path, "TestHub");
    try {
      expect(opening(dir.path)).toMatch("is in use by another process");
    } finally {
      first.close();
    }
  });

  it("says which folder cannot be used", () => {
    using dir = durableDir();
    const blocked = join(dir.path, "file");
    writeFileSync(blocked, "");
    expect(opening(join(blocked, "sub"))).toMatch(
      /^The Durable engine cannot open .*sub.TestHub\.db: .*choose another data folder\.$/,
    );
  });

  it.each(["a", "1hub", "my-hub", "../x"])("refuses %s as a hub name", (hubName) => {
    using dir = durableDir();
    expect(opening(dir.path, hubName)).toMatch(`The task hub name "${hubName}" is not valid`);
  });
});
