import { createHmac } from "node:crypto";
import fc from "fast-check";
import { generateKeyPair } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { HeaderList } from "../../shared/core/headers.ts";
import { type Authenticate, createAuthentication } from "../../shared/identity/index.ts";
import { FakeClock } from "../support/fake-clock.ts";
import {
  APP,
  type Claims,
  createFakeEntra,
  ENTRA_SETTINGS,
  type FakeEntra,
  TENANT,
  USER,
} from "../support/fake-entra.ts";
import { settingsWith } from "../support/settings.ts";

const clock = new FakeClock();
let entra: FakeEntra;
beforeAll(async () => {
  entra = await createFakeEntra("https://login.test", () => clock.now());
});

function authentication(env: Record<string, string> = {}, fetchJson = () => entra.keys()) {
  const settings = settingsWith({ ...ENTRA_SETTINGS, ...env }).authentication;
  return createAuthentication(settings, { clock, fetchJson }) as Authenticate;
}

const bearer = (token: string): HeaderList => [["Authorization", `Bearer ${token}`]];
const codeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "let in",
    (error) => (error as { code?: string }).code ?? error,
  );
const judged = async (claims: Claims, env: Record<string, string> = {}) =>
  codeOf(authentication(env)(bearer(await entra.token(claims))));

describe("a token of Entra ID", () => {
  it("says who calls, and goes no further", async () => {
    const headers = [...bearer(await entra.token()), ["X-Other", "1"]] as const;
    expect(await authentication()(headers)).toEqual({
      caller: { id: USER, appId: APP, isTrusted: false, isOperator: false },
      headers: [["X-Other", "1"]],
    });
  });

  it("counts in version 1 too", async () => {
    const version1 = { iss: `https://sts.windows.net/${TENANT}/`, ver: "1.0", azp: undefined };
    expect(await judged({ ...version1, appid: APP })).toBe("let in");
  });

  it.each<[string, Claims]>([
    ["of another issuer", { iss: `https://login.evil/${TENANT}/v2.0` }],
    ["whose issuer is another tenant", { iss: `https://login.test/${USER}/v2.0` }],
    ["of another tenant", { tid: USER, iss: `https://login.test/${USER}/v2.0` }],
    ["without a tenant", { tid: undefined }],
    ["for another audience", { aud: "https://graph.microsoft.com" }],
    ["for no audience", { aud: undefined }],
    ["without an end", { exp: undefined }],
    ["without a time of issue", { iat: undefined }],
  ])("is refused when it is one %s", async (_, claims) => {
    expect(await judged(claims)).toBe("token-refused");
  });

  it("holds from its first to its last second, and a minute of clock skew", async () => {
    const now = Math.floor(clock.now() / 1000);
    expect(await judged({ exp: now - 59 })).toBe("let in");
    expect(await judged({ exp: now - 61 })).toBe("token-refused");
    expect(await judged({ nbf: now + 59 })).toBe("let in");
    expect(await judged({ nbf: now + 61 })).toBe("token-refused");
    const strict = { GATEWAY_AUTH_CLOCK_SKEW_SECONDS: "0" };
    expect(await judged({ exp: now - 1 }, strict)).toBe("token-refused");
  });

  it("is not remembered beyond its end", async () => {
    const authenticate = authentication({ GATEWAY_AUTH_CLOCK_SKEW_SECONDS: "0" });
    const token = await entra.token({ exp: Math.floor(clock.now() / 1000) + 2 });
    expect(await codeOf(authenticate(bearer(token)))).toBe("let in");
    await clock.advance(3000);
    expect(await codeOf(authenticate(bearer(token)))).toBe("token-refused");
  });

  it.each<[string, Claims, Record<string, string>, string]>([
    ["another application", { azp: USER }, {}, "caller-not-allowed"],
    ["any application, where all may call", { azp: USER }, { GATEWAY_AUTH_APPS: "*" }, "let in"],
    ["a caller without the role", {}, { GATEWAY_AUTH_ROLES: "Use" }, "caller-not-allowed"],
    ["a caller with the role", { roles: ["Use"] }, { GATEWAY_AUTH_ROLES: "Use" }, "let in"],
    ["a user with the scope", { scp: "read Use" }, { GATEWAY_AUTH_ROLES: "Use" }, "let in"],
    [
      "a scope that only contains it",
      { scp: "Users" },
      { GATEWAY_AUTH_ROLES: "Use" },
      "caller-not-allowed",
    ],
    ["no application", { azp: undefined }, {}, "caller-not-allowed"],
  ])("is judged by application and roles: %s", async (_, claims, env, code) => {
    expect(await judged(claims, env)).toBe(code);
  });

  it("makes operators by role, and lets trusted callers speak for others", async () => {
    const operator = await entra.token({ roles: ["Gateway.Operator"], azp: USER });
    expect((await authentication()(bearer(operator))).caller?.isOperator).toBe(true);
    const trusting = authentication({ GATEWAY_AUTH_TRUSTED_CALLERS: APP.toUpperCase() });
    const spoken = await trusting([
      ...bearer(await entra.token()),
      ["X-MS-CLIENT-PRINCIPAL-ID", "x"],
    ]);
    expect(spoken.caller?.isTrusted).toBe(true);
    expect(spoken.headers).toEqual([["X-MS-CLIENT-PRINCIPAL-ID", "x"]]);
  });
});

describe("a false token", () => {
  it("is refused when another key signed it, under the same name", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const forged = await entra.signed({}, {}, privateKey);
    expect(await codeOf(authentication()(bearer(forged)))).toBe("token-refused");
  });

  it.each(["none", "HS256", "RS384", "PS256"])("cannot choose its algorithm: %s", async (alg) => {
    const [header, payload] = unsigned(await entra.token(), { alg });
    const { keys } = await entra.keys();
    // The public key as a shared secret: what a library that lets the token choose would accept.
    const signature = createHmac("sha256", JSON.stringify(keys[0])).update(`${header}.${payload}`);
    for (const last of ["", signature.digest("base64url")]) {
      const token = `${header}.${payload}.${last}`;
      expect(await codeOf(authentication()(bearer(token)))).not.toBe("let in");
    }
  });

  it("cannot bring its own key", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    const own = { jku: "https://evil.test/keys", x5u: "https://evil.test/cert", kid: "mine" };
    const token = await entra.signed({}, own, privateKey);
    expect(await codeOf(authentication()(bearer(token)))).toBe("token-refused");
  });

  it("is refused with a changed claim", async () => {
    const [header = "", payload = "", signature = ""] = (await entra.token()).split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Claims;
    const changed = encoded({ ...claims, roles: ["Gateway.Operator"] });
    const token = [header, changed, signature].join(".");
    expect(await codeOf(authentication()(bearer(token)))).toBe("token-refused");
  });

  it("is refused beside another one, and when it is too long to be one", async () => {
    const token = await entra.token();
    const authenticate = authentication();
    expect(await codeOf(authenticate([...bearer(token), ...bearer(token)]))).toBe("token-refused");
    const long = await entra.token({ groups: "x".repeat(20_000) });
    expect(await codeOf(authenticate(bearer(long)))).toBe("token-refused");
  });

  it("never throws anything but a refusal, whatever it is", () => {
    const authenticate = authentication();
    const known = ["token-refused", "caller-not-allowed", "unauthenticated"];
    const part = fc.oneof(
      fc.base64String(),
      fc.string(),
      fc.json().map((text) => encoded(text)),
    );
    return fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
        expect(known).toContain(await codeOf(authenticate(bearer(parts.join(".")))));
      }),
    );
  });
});

describe("the keys", () => {
  it("are fetched once for all tokens", async () => {
    const before = entra.asked;
    const authenticate = authentication();
    const tokens = await Promise.all([1, 2, 3].map((n) => entra.token({ uti: String(n) })));
    await Promise.all(tokens.map((token) => authenticate(bearer(token))));
    expect(entra.asked - before).toBe(1);
  });

  it("are looked for anew when a token names another, but not at every caller's wish", async () => {
    const authenticate = authentication();
    await authenticate(bearer(await entra.token()));
    const before = entra.asked;
    await entra.rotate();
    const token = await entra.token();
    expect(await codeOf(authenticate(bearer(token)))).toBe("token-refused");
    expect(entra.asked).toBe(before);
    await clock.advance(30_000);
    expect(await codeOf(authenticate(bearer(token)))).toBe("let in");
    const unknown = await entra.signed({}, { kid: "unknown" });
    for (let n = 0; n < 10; n++) {
      expect(await codeOf(authenticate(bearer(unknown)))).toBe("token-refused");
    }
    expect(entra.asked).toBe(before + 1);
  });

  it("outlive the identity service by a day, and no longer", async () => {
    let isDown = false;
    const authenticate = authentication({}, async () => {
      if (isDown) throw new Error("down");
      return entra.keys();
    });
    const ask = async () => codeOf(authenticate(bearer(await entra.token())));
    expect(await ask()).toBe("let in");
    isDown = true;
    await clock.advance(23 * 3_600_000);
    expect(await ask()).toBe("let in");
    await clock.advance(3_600_000);
    expect(await ask()).toBe("identity-unavailable");
    isDown = false;
    expect(await ask()).toBe("let in");
  });

  it.each([{}, { keys: "none" }, "text", null])("must be a list: %j", async (document) => {
    const authenticate = authentication({}, async () => document as never);
    const code = await codeOf(authenticate(bearer(await entra.token())));
    expect(code).toBe("identity-unavailable");
  });
});

describe("App Service authentication", () => {
  const EASY = { GATEWAY_AUTHENTICATION: "easy-auth", WEBSITE_AUTH_ENABLED: "True" };
  const principal = (claims: Claims, provider = "aad"): HeaderList => {
    const list = Object.entries(claims).map(([typ, val]) => ({ typ, val }));
    const text = JSON.stringify({ auth_typ: provider, claims: list });
    return [["X-MS-CLIENT-PRINCIPAL", Buffer.from(text).toString("base64")]];
  };
  const CLAIMS = {
    "http://schemas.microsoft.com/identity/claims/tenantid": TENANT,
    "http://schemas.microsoft.com/identity/claims/objectidentifier": USER,
    appid: APP,
  };

  it("is believed where the platform has it switched on", async () => {
    const { caller, headers } = await authentication(EASY)([
      ...principal(CLAIMS),
      ["X-MS-CLIENT-PRINCIPAL-ID", USER],
      ["X-MS-TOKEN-AAD-ACCESS-TOKEN", "secret"],
      ["Authorization", "Bearer secret"],
    ]);
    expect(caller).toMatchObject({ id: USER, appId: APP });
    expect(headers).toEqual([]);
  });

  it("counts for nothing where only tokens do", async () => {
    expect(await codeOf(authentication()(principal(CLAIMS)))).toBe("unauthenticated");
    const open = authentication({ GATEWAY_AUTHENTICATION: "entra,anonymous" });
    expect(await open(principal(CLAIMS))).toEqual({ caller: undefined, headers: [] });
  });

  it.each<[string, HeaderList, string]>([
    ["of another tenant", principal({ oid: USER, appid: APP, tid: USER }), "caller-not-allowed"],
    ["of no tenant", principal({ appid: APP, oid: USER }), "caller-not-allowed"],
    ["of another application", principal({ ...CLAIMS, appid: USER }), "caller-not-allowed"],
    ["of another provider", principal(CLAIMS, "google"), "token-refused"],
    ["that is no JSON", [["x-ms-client-principal", "bm8="]], "token-refused"],
    ["that is missing", [], "unauthenticated"],
  ])("is judged by the same rules: one %s", async (_, headers, code) => {
    expect(await codeOf(authentication(EASY)(headers))).toBe(code);
  });
});

describe("whoever proves nothing", () => {
  it("is told how to", async () => {
    const error = await authentication()([]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "unauthenticated",
      headers: [["www-authenticate", "Bearer"]],
    });
  });

  it("is let in where that is wanted, with a key for somebody else, but not with a false token", async () => {
    const open = authentication({ GATEWAY_AUTHENTICATION: "anonymous,entra" });
    expect(await open(bearer("sk-123"))).toEqual({ caller: undefined, headers: bearer("sk-123") });
    expect(await codeOf(open(bearer("aaa.bbb.ccc")))).toBe("token-refused");
  });
});

const encoded = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

function unsigned(token: string, header: object): [header: string, payload: string] {
  return [encoded({ kid: "key-0", typ: "JWT", ...header }), token.split(".")[1] ?? ""];
}
