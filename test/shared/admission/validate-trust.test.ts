import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HeaderList } from "../../../shared/core/headers.ts";
import { codeOf, profileOn, validator } from "./validator.ts";

describe("what a client may not send", () => {
  it("is removed in silence, in any case, before anything reads it", () => {
    const check = validator({
      settings: { ...profileOn, disallowedHeaders: ["X-Debug", "x-userprofile"] },
      profiles: [{ userId: "u1", "X-Debug": "from the profile" }],
    });
    expect(
      check([
        ["x-debug", "1"],
        ["X-UserProfile", "u1"],
        ["Accept", "*/*"],
      ]),
    ).toMatchObject({
      ok: true,
      profile: undefined,
      headers: [["Accept", "*/*"]],
    });
  });

  it("cannot be two identities: a header that is sent twice names nobody", () => {
    const check = validator({
      settings: { ...profileOn, validateAppId: true },
      profiles: [{ userId: "u1" }, { userId: "u2" }],
      appIds: ["a", "b"],
    });
    const app: [string, string] = ["X-MS-CLIENT-PRINCIPAL-ID", "a"];
    expect(codeOf(check([app, ["X-MS-CLIENT-PRINCIPAL-ID", "b"]]))).toBe("app-id-not-allowed");
    expect(codeOf(check([app, ["X-UserProfile", "u1"], ["X-UserProfile", "u2"]]))).toBe(
      "profile-not-found",
    );
  });
});

describe("a rule about the path", () => {
  const check = validator({
    settings: { ...profileOn, allowRules: [["S7Path", "AllowedPaths"]] },
    profiles: [{ userId: "u1", AllowedPaths: "/echo*, /file/*, /exact?x=1" }],
  });
  const ask = (target: string): string => codeOf(check([["X-UserProfile", "u1"]], target));

  it("judges path and query as sent", () => {
    expect(["/echo", "/ECHO/1?x=2", "/file/a", "/exact?x=1"].map(ask)).toEqual(Array(4).fill("ok"));
    expect(["/", "/file", "/exact", "/exact?x=2"].map(ask)).toEqual(
      Array(4).fill("header-not-allowed"),
    );
  });

  it("does not take the client's word for it", () => {
    const headers: HeaderList = [
      ["X-UserProfile", "u1"],
      ["S7Path", "/file/a"],
    ];
    expect(codeOf(check(headers, "/admin"))).toBe("header-not-allowed");
  });

  it("is not deceived by dot segments, however they are spelled", () => {
    const detours = [
      "/file/../admin",
      "/file/%2e%2e/admin",
      "/file/..%2fadmin",
      "/file/a/%2E%2E/..%5Cadmin",
      "/file/..\\admin",
      "http://other/file/a",
    ];
    expect(detours.map(ask)).toEqual(detours.map(() => "header-not-allowed"));
    expect(ask("/file/a/../b.txt?v=1.0")).toBe("ok");
  });

  it("is named without the gateway's prefix, and its query is not repeated", () => {
    const refused = check([["X-UserProfile", "u1"]], "/admin?code=s3cret");
    expect(refused).toMatchObject({ detail: 'The value "/admin" of Path is not allowed.' });
  });
});

describe("what a refusal says", () => {
  it("repeats at most 64 printable characters of what was sent", () => {
    const check = validator({ settings: profileOn });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const id = Buffer.from(bytes).toString("latin1");
        const refused = check([["X-UserProfile", `x${id}`]]);
        if (refused.ok) throw new Error("admitted");
        expect(refused.detail).toMatch(/^There is no user profile "[\x20-\x7e]{1,67}"\.$/);
      }),
    );
  });

  it("never repeats a header that holds a credential", () => {
    const check = validator({
      settings: { ...profileOn, allowRules: [["Authorization", "Tokens"]] },
      profiles: [{ userId: "u1", Tokens: "abc" }],
    });
    expect(
      check([
        ["X-UserProfile", "u1"],
        ["Authorization", "s3cret"],
      ]),
    ).toMatchObject({
      detail: "The value of Authorization is not allowed.",
    });
  });
});

describe("validation as a property", () => {
  const name = fc.constantFrom("Team", "team", "Models", "X-Model", "Accept", "X-Debug", "X-Other");
  const header = fc.tuple(name, fc.constantFrom("red", "gpt-4o", "", "*"));

  it("never lets a disallowed or listed name through, never doubles the profile's, loses no other", () => {
    const check = validator({
      settings: {
        ...profileOn,
        disallowedHeaders: ["x-debug"],
        allowRules: [["X-Model", "Models"]],
      },
      profiles: [{ userId: "u1", Team: "blue", Models: "*" }],
    });
    fc.assert(
      fc.property(fc.array(header), (sent) => {
        const outcome = check([["X-UserProfile", "u1"], ...sent]);
        if (!outcome.ok) return;
        const names = outcome.headers.map(([header]) => header.toLowerCase());
        expect(names).not.toContain("x-debug");
        expect(names).not.toContain("models");
        expect(outcome.headers.filter(([header]) => /^team$/i.test(header))).toEqual([
          ["Team", "blue"],
        ]);
        const rest = (list: HeaderList) =>
          list.filter(([header]) => /^(accept|x-model|x-other)$/i.test(header));
        expect(rest(outcome.headers)).toEqual(rest(sent));
      }),
    );
  });
});
