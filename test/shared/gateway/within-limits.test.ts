import { describe, expect, it } from "vitest";
import { handleRequest } from "../../../shared/gateway/index.ts";
import type { Policy } from "../../../shared/gateway/policy.ts";
import { createIdentitySnapshot, parseProfiles } from "../../../shared/identity/index.ts";
import { createGateway, requestTo } from "../../support/gateway.ts";
import { bodyOf, textOf } from "../../support/streams.ts";

const PROFILES = [
  { userId: "ann", group: "red", "limit-tokens-per-minute": 1000, "limit-concurrent": 2 },
  { userId: "ben", group: "red" },
  { userId: "red", "limit-requests-per-minute": 3 },
];

/** A gateway whose callers have profiles, by the header X-UserProfile. */
function open() {
  const env = { UseProfiles: "true", UserConfigUrl: "file:none", GATEWAY_SYNC_MODE: "direct" };
  const gateway = createGateway(env);
  const parsed = parseProfiles(JSON.stringify(PROFILES));
  if (!parsed.ok) throw new Error("The profiles cannot be read.");
  const identity = createIdentitySnapshot({ profiles: parsed.value });
  const base = createGateway({ ...env, UseProfiles: "false" }).services.policy.current();
  const rules = { ...base.rules, useProfiles: true };
  const policy: Policy = {
    start: () => Promise.resolve(),
    isAvailable: true,
    refresh: () => Promise.resolve(),
    current: () => ({ ...base, settings: gateway.services.settings, identity, rules }),
    status: () => ({ documents: [], lastError: undefined }),
  };
  const services = {
    ...gateway.services,
    policy,
    limits: { ...gateway.services.limits, ledger: undefined },
  };
  const ask = (profile: string, body = "") =>
    handleRequest(
      services,
      requestTo(gateway, { headers: [["X-UserProfile", profile]], body }),
      undefined,
    );
  const useOf = (id: string) => services.limits.book.find(id)?.local(gateway.clock.now());
  return { ...gateway, ask, useOf };
}

const JSON_TYPE = [["content-type", "application/json"]] as const;
const usage = (total: number): string => JSON.stringify({ usage: { total_tokens: total } });

describe("a request of a limited caller", () => {
  it("is settled by what its answer says it used", async () => {
    const { ask, backends, useOf } = open();
    backends.answer(200, bodyOf(usage(77)), JSON_TYPE);
    const response = await ask("ann", "x".repeat(400));
    expect(useOf("user:ann")?.tokensInMinute).toBe(100);
    await textOf(response.body);
    expect(useOf("user:ann")).toMatchObject({ tokensInMinute: 77, concurrent: 0 });
  });

  it("keeps the estimate where the answer does not say", async () => {
    const { ask, backends, useOf } = open();
    backends.answer(200, bodyOf("words"), [["content-type", "text/plain"]]);
    await textOf((await ask("ann", "x".repeat(400))).body);
    expect(useOf("user:ann")?.tokensInMinute).toBe(100);
  });

  it("has used no tokens when it is the caller's mistake, but has been a request", async () => {
    const { ask, backends, useOf } = open();
    backends.answer(400, bodyOf("no"));
    await textOf((await ask("ann", "x".repeat(400))).body);
    expect(useOf("user:ann")).toMatchObject({ tokensInMinute: 0, requestsInMinute: 1 });
  });

  it("has used nothing when nobody could serve it", async () => {
    const { ask, backends, useOf } = open();
    backends.answer(500, bodyOf("broken"));
    await textOf((await ask("ann", "x".repeat(400))).body);
    expect(useOf("user:ann")).toMatchObject({
      tokensInMinute: 0,
      requestsInMinute: 0,
      concurrent: 0,
    });
  });

  it("gives its place back when its body is given up", async () => {
    const { ask, backends, useOf } = open();
    backends.answer(200, bodyOf("a", "b"));
    const { body } = await ask("ann");
    await (body as AsyncGenerator<Uint8Array>).return(undefined);
    expect(useOf("user:ann")?.concurrent).toBe(0);
  });

  it("counts for its group too, whose limits bind all of it", async () => {
    const { ask, backends } = open();
    for (let n = 0; n < 3; n++) backends.answer(200);
    await ask("ben");
    await ask("ann");
    await ask("ben");
    const refused = await ask("ben");
    expect(refused.status).toBe(429);
    expect(JSON.parse(await textOf(refused.body))).toMatchObject({ code: "limit-exceeded" });
    expect(refused.headers).toContainEqual(["x-ratelimit-remaining-requests", "0"]);
    expect(refused.headers).toContainEqual(["retry-after", "60"]);
  });
});

describe("a caller without a profile", () => {
  it("has the limits of the settings, one by one, and the nameless together", async () => {
    const gateway = createGateway({
      GATEWAY_SYNC_MODE: "direct",
      GATEWAY_LIMITS_REQUESTS_PER_MINUTE: "2",
    });
    const services = {
      ...gateway.services,
      limits: { ...gateway.services.limits, ledger: undefined },
    };
    const statusOf = async (user?: string): Promise<number> => {
      const headers = user === undefined ? [] : [["X-UserID", user] as const];
      return (await handleRequest(services, requestTo(gateway, { headers }), undefined)).status;
    };
    for (let n = 0; n < 6; n++) gateway.backends.answer(200);
    const asked = [];
    for (const user of ["ann", "ann", "ann", "ben", undefined, undefined, undefined]) {
      asked.push(await statusOf(user));
    }
    expect(asked).toEqual([200, 200, 429, 200, 200, 200, 429]);
  });
});
