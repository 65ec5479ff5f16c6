import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  admit,
  compileValidationRules,
  type ValidationSettings,
  validate,
} from "../../../shared/admission/index.ts";
import { loadSettings } from "../../../shared/config/index.ts";
import type { HeaderList } from "../../../shared/core/headers.ts";
import {
  createIdentitySnapshot,
  identifyCaller,
  type ParsedDocument,
  parseAppIds,
  parseProfiles,
  parseSuspendedUsers,
} from "../../../shared/identity/index.ts";

const NO_RULES: ValidationSettings = {
  validateAppId: false,
  appIdHeader: "X-MS-CLIENT-PRINCIPAL-ID",
  useProfiles: false,
  profileHeader: "X-UserProfile",
  profileRequired: false,
  disallowedHeaders: [],
  requiredHeaders: [],
  allowRules: [],
  identify: (headers) => identifyCaller(headers, ["X-UserID"]),
};

interface Setup {
  settings?: Partial<ValidationSettings>;
  profiles?: readonly unknown[];
  suspended?: readonly unknown[];
  appIds?: readonly unknown[];
}

function readable<Value>(parsed: ParsedDocument<Value>): Value {
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.value;
}

/** A gateway's validation with the given documents. */
function validator({ settings = {}, profiles = [], suspended = [], appIds = [] }: Setup) {
  const directory = createIdentitySnapshot({
    profiles: readable(parseProfiles(profiles)),
    suspendedUsers: readable(parseSuspendedUsers(suspended)),
    appIds: readable(parseAppIds(appIds)),
  });
  const rules = compileValidationRules({ ...NO_RULES, ...settings });
  return (headers: HeaderList, target = "/x") => validate({ headers, target }, directory, rules);
}

const codeOf = (validation: ReturnType<ReturnType<typeof validator>>): string =>
  validation.ok ? "ok" : validation.code;

const profileOn = { useProfiles: true };

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
