import { describe, expect, it } from "vitest";
import { admit } from "../../../shared/admission/index.ts";
import { loadSettings } from "../../../shared/config/index.ts";
import type { HeaderList } from "../../../shared/core/headers.ts";
import { codeOf, profileOn, validator } from "./validator.ts";

describe("validation", () => {
  it("V04: lets only listed application ids in, in any case", () => {
    const check = validator({ settings: { validateAppId: true }, appIds: ["id-1"] });
    expect(codeOf(check([]))).toBe("app-id-not-allowed");
    expect(codeOf(check([["X-MS-CLIENT-PRINCIPAL-ID", "id-2"]]))).toBe("app-id-not-allowed");
    expect(codeOf(check([["x-ms-client-principal-id", "ID-1"]]))).toBe("ok");
  });

  it("V04: refuses everybody when application ids are checked and there is no list", () => {
    const check = validator({ settings: { validateAppId: true } });
    expect(codeOf(check([["X-MS-CLIENT-PRINCIPAL-ID", "id-1"]]))).toBe("app-id-not-allowed");
  });

  it("V05: refuses a profile that is not there, even where none is required", () => {
    const check = validator({ settings: profileOn, profiles: [{ userId: "u1" }] });
    expect(codeOf(check([["X-UserProfile", "nobody"]]))).toBe("profile-not-found");
  });

  it("V06 and V07: a request without a profile enters unless one is required", () => {
    const profiles = [{ userId: "u1" }];
    const strict = { ...profileOn, profileRequired: true };
    expect(codeOf(validator({ settings: strict, profiles })([]))).toBe("profile-required");
    expect(codeOf(validator({ settings: strict, profiles })([["X-UserProfile", " "]]))).toBe(
      "profile-required",
    );
    expect(codeOf(validator({ settings: profileOn, profiles })([]))).toBe("ok");
  });

  it("V08: puts the profile's headers in place of the client's, and keeps internal ones back", () => {
    const profiles = [{ userId: "u1", Team: "red", "internal-k": "v" }];
    const check = validator({ settings: profileOn, profiles });
    const headers: HeaderList = [
      ["X-UserProfile", "u1"],
      ["Team", "blue"],
      ["Accept", "a"],
      ["team", "green"],
      ["Accept", "b"],
    ];
    expect(check(headers)).toMatchObject({
      ok: true,
      profile: { id: "u1" },
      headers: [
        ["X-UserProfile", "u1"],
        ["Accept", "a"],
        ["Accept", "b"],
        ["Team", "red"],
      ],
    });
  });

  it("V09: a user whose profile has only the id is known", () => {
    const check = validator({ settings: profileOn, profiles: [{ userId: "u2" }] });
    expect(codeOf(check([["X-UserProfile", "u2"]]))).toBe("ok");
  });

  it("V10: refuses a suspended user, by profile or by user id, with or without profiles", () => {
    const profiles = [{ userId: "u1" }, { userId: "u2", "X-UserID": "bad" }, { userId: "u3" }];
    const setup = { settings: profileOn, profiles, suspended: [{ userId: "u1" }, "bad"] };
    const check = validator(setup);
    expect(codeOf(check([["X-UserProfile", "u1"]]))).toBe("user-suspended");
    expect(codeOf(check([["X-UserProfile", "u2"]]))).toBe("user-suspended");
    expect(codeOf(check([["X-UserProfile", "u3"]]))).toBe("ok");
    const plain = validator({ suspended: ["bad"] });
    expect(codeOf(plain([["X-UserID", "bad"]]))).toBe("user-suspended");
    expect(codeOf(plain([["X-UserID", "good"]]))).toBe("ok");
  });

  it("V12: a required header must be there, and not empty", () => {
    const check = validator({ settings: { requiredHeaders: ["X-Corr"] } });
    expect(check([])).toEqual({
      ok: false,
      code: "header-missing",
      detail: "The header X-Corr is missing or empty.",
    });
    expect(codeOf(check([["X-Corr", ""]]))).toBe("header-missing");
    expect(codeOf(check([["x-corr", "1"]]))).toBe("ok");
  });

  const models = {
    settings: { ...profileOn, allowRules: [["X-Model", "Models"]] as const },
    profiles: [{ userId: "u1", Models: "gpt-4o, gpt-5*" }, { userId: "u2" }],
  };
  const asking = (model: string): HeaderList => [
    ["X-UserProfile", "u1"],
    ["X-Model", model],
  ];

  it("V13: a value must be on the profile's list, in any case, or begin as a pattern does", () => {
    const check = validator(models);
    expect(codeOf(check(asking("gpt-4o")))).toBe("ok");
    expect(codeOf(check(asking("GPT-5-mini")))).toBe("ok");
    expect(check(asking("gpt-4"))).toEqual({
      ok: false,
      code: "header-not-allowed",
      detail: 'The value "gpt-4" of X-Model is not allowed.',
    });
  });

  it("V13: both headers of a rule are required", () => {
    const check = validator(models);
    expect(check([["X-UserProfile", "u1"]])).toMatchObject({ code: "header-missing" });
    const withoutList: HeaderList = [
      ["X-UserProfile", "u2"],
      ["X-Model", "gpt-4o"],
    ];
    expect(check(withoutList)).toMatchObject({
      code: "header-missing",
      detail: "The header Models is missing or empty.",
    });
  });

  it("V13: of two values of one header each must be allowed", () => {
    const check = validator(models);
    expect(codeOf(check([...asking("gpt-4o"), ["x-model", "gpt-4"]]))).toBe("header-not-allowed");
    expect(codeOf(check([...asking("gpt-4o"), ["x-model", "gpt-5"]]))).toBe("ok");
  });

  it("V14: the client's own list counts for nothing", () => {
    const check = validator(models);
    expect(codeOf(check([...asking("gpt-4"), ["Models", "*"]]))).toBe("header-not-allowed");
    const unknown = validator({ settings: models.settings });
    expect(
      codeOf(
        unknown([
          ["X-Model", "gpt-4"],
          ["models", "*"],
        ]),
      ),
    ).toBe("header-missing");
  });

  it("V15: no backend receives the list", () => {
    expect(validator(models)(asking("gpt-4o"))).toMatchObject({ headers: asking("gpt-4o") });
  });

  it("V16: identity comes before content", () => {
    const check = validator({
      settings: { validateAppId: true, requiredHeaders: ["X-Corr"] },
      appIds: ["id-1"],
    });
    expect(codeOf(check([["X-MS-CLIENT-PRINCIPAL-ID", "bad"]]))).toBe("app-id-not-allowed");
  });

  it("V16: each check waits for the ones before it", () => {
    const settings = {
      validateAppId: true,
      ...profileOn,
      profileRequired: true,
      requiredHeaders: ["X-Corr"],
      allowRules: [["X-Model", "Models"]] as const,
    };
    const profiles = [{ userId: "u1", Models: "a" }, { userId: "out" }];
    const check = validator({ settings, profiles, suspended: ["out"], appIds: ["id"] });
    const steps: [string, string, string][] = [
      ["app-id-not-allowed", "X-MS-CLIENT-PRINCIPAL-ID", "id"],
      ["profile-required", "X-UserProfile", "u1"],
      ["header-missing", "X-Corr", "1"],
      ["header-missing", "X-Model", "b"],
      ["header-not-allowed", "", ""],
    ];
    const headers: [string, string][] = [];
    for (const [expected, name, value] of steps) {
      expect(codeOf(check(headers))).toBe(expected);
      headers.push([name, value]);
    }
    expect(
      codeOf(
        check([
          ["X-MS-CLIENT-PRINCIPAL-ID", "id"],
          ["X-UserProfile", "out"],
        ]),
      ),
    ).toBe("user-suspended");
  });

  it("V20 and V21: the priority is the key's, and a profile's key stands in for the client's", () => {
    const settings = loadSettings({
      Host1: "http://127.0.0.1:1",
      PriorityKeys: "hi,lo",
      PriorityValues: "1,3",
    });
    const check = validator({
      settings: profileOn,
      profiles: [{ userId: "u1", S7PPriorityKey: "hi" }],
    });
    const classOf = (headers: HeaderList): number | string => {
      const validation = check(headers);
      if (!validation.ok) return validation.code;
      const admission = admit(validation.headers, 0, settings);
      return admission.admitted ? admission.ticket.priority : admission.code;
    };
    expect(classOf([["S7PPriorityKey", "HI"]])).toBe(1);
    expect(classOf([["S7PPriorityKey", "nope"]])).toBe(2);
    const profiled: HeaderList = [
      ["X-UserProfile", "u1"],
      ["S7PPriorityKey", "lo"],
    ];
    expect(classOf(profiled)).toBe(1);
  });
});
