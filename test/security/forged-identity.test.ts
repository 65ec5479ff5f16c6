import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { HeaderList } from "../../shared/core/headers.ts";
import { handleRequest } from "../../shared/gateway/index.ts";
import { APP, TENANT, USER } from "../support/fake-entra.ts";
import { createGateway, requestTo } from "../support/gateway.ts";
import { settingsWith } from "../support/settings.ts";
import { textOf } from "../support/streams.ts";

const OTHER = "bbbbbbbb-0000-0000-0000-000000000002";
const TRUSTED = "aaaaaaaa-0000-0000-0000-000000000009";

const folder = mkdtempSync(join(tmpdir(), "gateway-forged-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const profiles = join(folder, "profiles.json");
writeFileSync(
  profiles,
  JSON.stringify([
    { userId: USER, "X-Tenant": "one", "X-Cost-Centers": "red" },
    { userId: OTHER, "X-Tenant": "two" },
  ]),
);

const EASY_AUTH = {
  GATEWAY_SYNC_MODE: "direct",
  GATEWAY_AUTHENTICATION: "easy-auth",
  WEBSITE_AUTH_ENABLED: "True",
  GATEWAY_AUTH_TENANTS: TENANT,
  GATEWAY_AUTH_APPS: `${APP},${TRUSTED}`,
  GATEWAY_AUTH_TRUSTED_CALLERS: TRUSTED,
  UseProfiles: "true",
  UserConfigUrl: `file:${profiles}`,
};

const principalOf = (id: string, appid = APP): string => {
  const claims = Object.entries({ tid: TENANT, oid: id, appid }).map(([typ, val]) => ({
    typ,
    val,
  }));
  return Buffer.from(JSON.stringify({ auth_typ: "aad", claims })).toString("base64");
};
const principal = (id: string, appid?: string): HeaderList => [
  ["X-MS-CLIENT-PRINCIPAL", principalOf(id, appid)],
];

/** What a request's one backend gets to see, or the code with which the request is refused. */
async function seen(headers: HeaderList, env: Record<string, string> = {}) {
  const gateway = createGateway({ ...EASY_AUTH, ...env });
  gateway.backends.answer(200);
  const response = await handleRequest(
    gateway.services,
    requestTo(gateway, { headers }),
    undefined,
  );
  gateway.stop();
  const [call] = gateway.backends.calls;
  const text = await textOf(response.body);
  const code = call ? undefined : (JSON.parse(text) as { code: string }).code;
  const valuesOf = (name: string): string[] =>
    (call?.headers ?? []).filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return { code, headers: call?.headers ?? [], valuesOf, answer: response };
}

describe("who somebody is", () => {
  it("is said by the proof, whatever other headers say", async () => {
    const { valuesOf } = await seen([
      ["x-userid", OTHER],
      ["X-UserProfile", OTHER],
      ["X-TENANT", "two"],
      ...principal(USER),
      ["X-UserID", OTHER],
      ["x-ms-client-principal-id", OTHER],
      ["X-MS-CLIENT-PRINCIPAL-NAME", OTHER],
    ]);
    expect([valuesOf("x-userid"), valuesOf("x-tenant"), valuesOf("x-userprofile")]).toEqual([
      [USER],
      ["one"],
      [USER],
    ]);
  });

  it("is said for others by trusted callers only", async () => {
    const spoken: HeaderList = [["X-UserProfile", OTHER]];
    const trusted = await seen([...principal(USER, TRUSTED), ...spoken]);
    expect(trusted.valuesOf("x-tenant")).toEqual(["two"]);
    const other = await seen([...principal(USER), ...spoken]);
    expect(other.valuesOf("x-tenant")).toEqual(["one"]);
  });

  it("is nothing that two proofs can say, apart or joined", async () => {
    const both = `${principalOf(USER)},${principalOf(OTHER)}`;
    for (const headers of [
      [...principal(USER), ...principal(OTHER)],
      [["x-ms-client-principal", both]],
    ] satisfies HeaderList[]) {
      expect((await seen(headers)).code).toBe("token-refused");
    }
  });

  it("is believed of the platform only where that vouches for it", () => {
    const { WEBSITE_AUTH_ENABLED: _, ...unvouched } = EASY_AUTH;
    expect(() => settingsWith(unvouched)).toThrow("easy-auth needs App Service authentication");
  });

  it("is not asked of headers whose proof is missing", async () => {
    expect((await seen([["X-UserID", USER]])).code).toBe("unauthenticated");
  });

  it("is nobody for whoever comes in without a proof, whatever the headers say", async () => {
    const { valuesOf } = await seen(
      [
        ["X-UserID", USER],
        ["X-UserProfile", USER],
        ["X-MS-CLIENT-PRINCIPAL-ID", USER],
      ],
      { GATEWAY_AUTHENTICATION: "easy-auth,anonymous" },
    );
    expect([valuesOf("x-userid"), valuesOf("x-tenant")]).toEqual([[], []]);
  });
});

describe("a Connection header", () => {
  it("takes from a request nothing that the gateway has written", async () => {
    const { headers, valuesOf } = await seen([
      ...principal(USER),
      ["Connection", "X-Tenant, X-UserID,close"],
      ["connection", "x-userprofile"],
      ["Connection", "X-Own"],
      ["X-Own", "1"],
    ]);
    expect([valuesOf("x-tenant"), valuesOf("x-userid")]).toEqual([["one"], [USER]]);
    expect(headers.map(([name]) => name.toLowerCase())).not.toEqual(
      expect.arrayContaining(["x-own"]),
    );
    expect(valuesOf("connection")).toEqual([]);
  });

  it("takes from a request nothing that was judged", async () => {
    const { valuesOf } = await seen(
      [
        ...principal(USER),
        ["X-Center", "red"],
        ["Connection", "X-Center, X-Cost"],
        ["X-Cost", "7"],
      ],
      { RequiredHeaders: "X-Cost", ValidateHeaders: "X-Center=X-Cost-Centers" },
    );
    expect([valuesOf("x-center"), valuesOf("x-cost")]).toEqual([["red"], ["7"]]);
  });
});

describe("headers of the gateway's own", () => {
  it("go to no backend, however they are written", async () => {
    const own = [
      "S7PPriorityKey",
      "s7pdebug",
      "S7PTimeout",
      "s7Panything",
      "x-operator-key",
      "X-Functions-Key",
      "X-MS-TOKEN-AAD-ACCESS-TOKEN",
      "x-ms-client-principal-idp",
    ];
    const { headers } = await seen([
      ...principal(USER),
      ...own.map((name) => [name, "9"] as const),
    ]);
    expect(headers.filter(([, value]) => value === "9")).toEqual([]);
    expect(headers.filter(([name]) => /^x-ms-|authorization/i.test(name))).toEqual([]);
  });

  it("tell a backend which call it is, and no client can", async () => {
    const { valuesOf } = await seen([
      ...principal(USER),
      ["x-s7p-id", "forged"],
      ["X-POLICYCYCLECOUNTER", "77"],
    ]);
    expect([valuesOf("x-s7p-id"), valuesOf("x-policycyclecounter")]).toEqual([
      ["request-1"],
      ["0"],
    ]);
  });

  it("show a receipt to nobody who may not see it, and none that a backend made up", async () => {
    const asking: HeaderList = [...principal(USER), ["S7PDEBUG", "true"]];
    expect((await seen(asking)).answer.headers.map(([name]) => name)).not.toContain(
      "x-s7p-receipt",
    );
    const gateway = createGateway({ GATEWAY_SYNC_MODE: "direct" });
    const names = [
      ...["X-S7P-Receipt", "X-S7P-Id", "X-Attempts"],
      ...["X-Request-Queue-Duration", "X-Queue-Position"],
    ];
    gateway.backends.answer(200, "ok", [
      ...names.map((name) => [name, "forged"] as const),
      ["X-Other", "kept"],
    ]);
    const { headers } = await handleRequest(gateway.services, requestTo(gateway), undefined);
    gateway.stop();
    expect(headers.map(([name]) => name.toLowerCase())).not.toContain("x-s7p-receipt");
    expect(headers.map(([, value]) => value)).not.toContain("forged");
    expect(headers).toContainEqual(["X-Other", "kept"]);
    const ids = headers.filter(([name]) => name.toLowerCase() === "x-s7p-id");
    expect(ids).toEqual([["x-S7P-ID", "request-1"]]);
  });
});
