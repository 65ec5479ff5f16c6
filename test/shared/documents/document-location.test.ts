import { describe, expect, it } from "vitest";
import { parseDocumentLocation } from "../../../shared/documents/index.ts";

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
