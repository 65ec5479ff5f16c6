import { describe, expect, it } from "vitest";
import type { StorageConnection } from "../../../shared/config/index.ts";
import { parseDocumentLocation, sourceAt } from "../../../shared/documents/index.ts";

describe("where a document is", () => {
  it.each([
    ["file:config.json", { kind: "file", path: "config.json" }],
    ["FILE:./etc/users.json", { kind: "file", path: "./etc/users.json" }],
    ["file:/etc/users.json", { kind: "file", path: "/etc/users.json" }],
    ["file:///etc/my%20users.json", { kind: "file", path: "/etc/my users.json" }],
    [" http://config/users ", { kind: "http", url: "http://config/users" }],
    ["https://c.test/u?sig=x", { kind: "http", url: "https://c.test/u?sig=x" }],
    ["table:policies/profiles", { kind: "table", table: "policies", partitionKey: "profiles" }],
  ])("%s is understood", (text, location) => {
    expect(parseDocumentLocation(text)).toEqual(location);
  });

  it.each([
    "",
    "file:",
    "users.json",
    "ftp://x/y",
    "table:x",
    "table:ab/p",
    "table:abc/a/b",
    "http:",
  ])("%j is none", (text) => {
    expect(parseDocumentLocation(text)).toBeUndefined();
  });
});

describe("the source at a location", () => {
  const storage: StorageConnection = {
    kind: "connectionString",
    connectionString: "UseDevelopmentStorage=true",
  };
  const sourceOf = (text: string, connection?: StorageConnection) => {
    const location = parseDocumentLocation(text);
    if (!location) throw new Error("no location");
    return sourceAt(location, { connection, keyField: "userId" });
  };

  it("is of the location's kind, and nothing is touched before it loads", () => {
    const kinds = ["file:nowhere.json", "http://nowhere.test", "https://nowhere.test"].map(
      (text) => sourceOf(text).kind,
    );
    expect(kinds).toEqual(["file", "http", "https"]);
    expect(sourceOf("table:policies/profiles", storage).kind).toBe("table");
  });

  it("is refused by name when there is no storage account for a table", () => {
    expect(() => sourceOf("table:policies/profiles")).toThrow("need AzureWebJobsStorage");
  });
});
