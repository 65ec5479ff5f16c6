import { describe, expect, it } from "vitest";
import { readSubmission } from "../../../shared/messaging/index.ts";

const MINIMAL = { id: "order-1", user: "alice", path: "/chat?x=%2F" };
const bytesOf = (message: object): string | undefined =>
  readSubmission({ ...MINIMAL, ...message }).body?.toString();

describe("a submitted job", () => {
  it("is a POST without a body unless it says otherwise", () => {
    expect(readSubmission(JSON.stringify(MINIMAL))).toEqual({
      id: "order-1",
      user: "alice",
      method: "POST",
      target: "/chat?x=%2F",
      headers: [],
      priority: undefined,
      body: undefined,
    });
  });

  it("has headers of one value or of several, in their order", () => {
    const headers = { "X-A": "1", "X-B": ["2", "3"] };
    expect(readSubmission({ ...MINIMAL, headers }).headers).toEqual([
      ["X-A", "1"],
      ["X-B", "2"],
      ["X-B", "3"],
    ]);
  });

  it.each([
    ["text exactly as it is", { body: '{"a": 1.0, "b":"\u00fc"}' }, '{"a": 1.0, "b":"\u00fc"}'],
    ["an empty text", { body: "" }, ""],
    ["a JSON value as JSON", { body: { a: [1, null, "status"] } }, '{"a":[1,null,"status"]}'],
    ["JSON's null, which is a value", { body: null }, "null"],
    ["bytes from base64", { body: "aGVsbG8=", isBase64: true }, "hello"],
  ])("has a body: %s", (_, message, expected) => {
    expect(bytesOf(message)).toBe(expected);
  });

  it("says that a JSON value is JSON, unless it says itself what it is", () => {
    const typed = { "Content-Type": "application/x-ndjson" };
    expect(readSubmission({ ...MINIMAL, body: {} }).headers).toEqual([
      ["content-type", "application/json"],
    ]);
    expect(readSubmission({ ...MINIMAL, body: {}, headers: typed }).headers).toEqual([
      ["Content-Type", "application/x-ndjson"],
    ]);
    expect(readSubmission({ ...MINIMAL, body: "{}" }).headers).toEqual([]);
  });

  it.each([
    ["text that is no JSON", "not json", "not JSON"],
    ["no user", { id: "a", path: "/" }, "user"],
    ["no id", { user: "a", path: "/" }, "id"],
    ["an id that is no name", { ...MINIMAL, id: "../secret" }, "id"],
    ["an id that names a list", { ...MINIMAL, id: "owner-0123" }, "id"],
    ["a path that is a URL", { ...MINIMAL, path: "https://elsewhere/" }, "path"],
    ["a path with a line break", { ...MINIMAL, path: "/a\r\nX: y" }, "path"],
    ["a header with a line break", { ...MINIMAL, headers: { "X-A": "1\r\nX-B: 2" } }, "X-A"],
    ["a user with a line break", { ...MINIMAL, user: "a\nb" }, "user"],
    ["a priority that is none", { ...MINIMAL, priority: 0 }, "priority"],
    ["a member that is unknown", { ...MINIMAL, createdAt: "now" }, "createdAt"],
    ["base64 that is none", { ...MINIMAL, body: "%", isBase64: true }, "base64"],
    ["a JSON value as base64", { ...MINIMAL, body: {}, isBase64: true }, "base64"],
  ])("is not readable with %s, and says so", (_, message, what) => {
    expect(() => readSubmission(message)).toThrow(what);
  });
});
