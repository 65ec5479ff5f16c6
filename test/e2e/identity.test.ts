import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackend, type TestBackend } from "../support/backend.ts";
import { eventually } from "../support/eventually.ts";
import {
  APP,
  AUDIENCE,
  type Claims,
  type FakeEntra,
  startFakeEntra,
  TENANT,
  USER,
} from "../support/fake-entra.ts";
import { OPERATOR_KEY, startStack, type TestStack } from "../support/stack.ts";

const OTHER_USER = "bbbbbbbb-0000-0000-0000-000000000002";
const SPOKEN_FOR = "bbbbbbbb-0000-0000-0000-000000000003";
const MANAGEMENT = "aaaaaaaa-0000-0000-0000-000000000002";
const JOBS = "enabled=true, containername=files, topic=events";

let backend: TestBackend;
let entra: FakeEntra & AsyncDisposable;
let stack: TestStack;
let folder: string;

const write = (name: string, value: unknown): string => {
  writeFileSync(join(folder, name), JSON.stringify(value));
  return `file:${join(folder, name)}`;
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gateway-identity-"));
  backend = await startBackend((_, response) => void response.end("ok"));
  entra = await startFakeEntra();
  stack = await startStack({
    env: {
      Host1: `host=${backend.url};mode=direct`,
      GATEWAY_AUTHENTICATION: "entra",
      GATEWAY_AUTH_AUTHORITY: entra.authority,
      GATEWAY_AUTH_TENANTS: TENANT,
      GATEWAY_AUTH_AUDIENCES: AUDIENCE,
      GATEWAY_AUTH_APPS: `${APP},${MANAGEMENT}`,
      GATEWAY_AUTH_TRUSTED_CALLERS: MANAGEMENT,
      UseProfiles: "true",
      UserConfigRequired: "true",
      UserConfigUrl: write("profiles.json", [
        { userId: USER, "X-Team": "one", "async-config": JOBS },
        { userId: OTHER_USER, "X-Team": "two", "async-config": JOBS },
        { userId: SPOKEN_FOR, "X-Team": "three" },
      ]),
      SuspendedUserConfigUrl: write("suspended.json", []),
      UserConfigRefreshIntervalSecs: "1",
    },
  });
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
  await entra?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Asked {
  readonly claims?: Claims;
  readonly headers?: Record<string, string>;
  readonly method?: string;
}

async function ask(path: string, { claims, headers = {}, method = "GET" }: Asked = {}) {
  const proof = claims && { authorization: `Bearer ${await entra.token(claims)}` };
  return fetch(`${stack.url}${path}`, { method, headers: { ...headers, ...proof } });
}

const codeOf = async (answer: Response): Promise<unknown> =>
  ((await answer.json()) as { code?: unknown }).code;

/** What the backend got for the one request with a path. */
const seenAt = (path: string) => backend.seen.find(({ target }) => target === path)?.headers;

describe("whoever shows no token of ours", () => {
  it.each<[string, Asked, number, string]>([
    ["nothing", {}, 401, "unauthenticated"],
    ["a profile's name", { headers: { "X-UserProfile": USER } }, 401, "unauthenticated"],
    ["an operator's key", { headers: { "x-operator-key": OPERATOR_KEY } }, 401, "unauthenticated"],
    ["a platform header", { headers: { "x-ms-client-principal-id": APP } }, 401, "unauthenticated"],
    [
      "a token for others",
      { claims: { aud: "https://graph.microsoft.com" } },
      401,
      "token-refused",
    ],
    ["a token that is over", { claims: { exp: 1 } }, 401, "token-refused"],
    ["another application's", { claims: { azp: USER } }, 403, "caller-not-allowed"],
    ["an unknown user's", { claims: { oid: TENANT } }, 403, "profile-not-found"],
  ])("is refused: %s", async (_, asked, status, code) => {
    const answer = await ask("/refused", asked);
    expect([answer.status, await codeOf(answer)]).toEqual([status, code]);
    expect(backend.seen.filter(({ target }) => target === "/refused")).toEqual([]);
  });

  it("finds the same at every other door", async () => {
    for (const path of ["/jobs", "/jobs/x", "/jobs/x/events", "/jobs/x/result", "/jobs/x/stream"]) {
      expect([path, (await ask(path)).status]).toEqual([path, 401]);
    }
    expect((await ask("/operations/status")).status).toBe(401);
    expect((await ask("/operations/dead-letters")).status).toBe(401);
    expect((await ask("/readiness")).status).toBe(200);
  });
});

describe("a user with a token", () => {
  it("has the user's own profile, and the token goes no further", async () => {
    expect((await ask("/own", { claims: {} })).status).toBe(200);
    expect(seenAt("/own")).toMatchObject({ "x-team": "one", "x-userid": USER });
    expect(seenAt("/own")).not.toHaveProperty("authorization");
  });

  it("is nobody else, whatever the headers say", async () => {
    const headers = {
      "X-UserProfile": OTHER_USER,
      "X-UserID": OTHER_USER,
      "X-MS-CLIENT-PRINCIPAL-ID": OTHER_USER,
    };
    expect((await ask("/forged", { claims: {}, headers })).status).toBe(200);
    expect(seenAt("/forged")).toMatchObject({ "x-team": "one", "x-userid": USER });
  });

  it("has jobs that nobody else finds, and that operators do", async () => {
    const made = await ask("/job", { claims: {}, headers: { S7PAsyncMode: "true" } });
    expect(made.status).toBe(202);
    const path = new URL(made.headers.get("location") ?? "", stack.url).pathname;
    expect([200, 202]).toContain((await ask(path, { claims: {} })).status);
    const stranger = { claims: { oid: OTHER_USER }, headers: { "X-UserProfile": USER } };
    for (const sub of ["", "/events", "/result", "/stream"]) {
      expect([sub, (await ask(`${path}${sub}`, stranger)).status]).toEqual([sub, 404]);
    }
    expect((await ask(path, { ...stranger, method: "DELETE" })).status).toBe(404);
    const listed = (await (await ask("/jobs", stranger)).json()) as { jobs: unknown[] };
    expect(listed.jobs).toEqual([]);
    const operator = { claims: { oid: OTHER_USER, roles: ["Gateway.Operator"] } };
    expect([200, 202]).toContain((await ask(path, operator)).status);
  });

  it("is no operator without the role", async () => {
    expect(await codeOf(await ask("/operations/status", { claims: {} }))).toBe(
      "operator-role-missing",
    );
    const claims = { roles: ["Gateway.Operator"] };
    expect((await ask("/operations/status", { claims })).status).toBe(200);
  });
});

describe("a trusted caller", () => {
  it("says for whom it calls", async () => {
    const headers = { "X-UserProfile": SPOKEN_FOR };
    expect((await ask("/for", { claims: { azp: MANAGEMENT }, headers })).status).toBe(200);
    expect(seenAt("/for")).toMatchObject({ "x-team": "three" });
  });
});

describe("a suspended user", () => {
  it("is stopped while the token still lives", async () => {
    const claims = { oid: OTHER_USER };
    expect((await ask("/before", { claims })).status).toBe(200);
    write("suspended.json", [{ userId: OTHER_USER }]);
    await eventually(async () => (await ask("/after", { claims })).status).toBe(403);
  });
});
