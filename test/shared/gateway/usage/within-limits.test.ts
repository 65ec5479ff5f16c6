import { describe, expect, it } from "vitest";
import { GatewayError } from "../../../../shared/core/errors.ts";
import type { HeaderList } from "../../../../shared/core/headers.ts";
import type { GatewayResponse } from "../../../../shared/core/http.ts";
import { handleRequest } from "../../../../shared/gateway/index.ts";
import type { Policy } from "../../../../shared/gateway/policy.ts";
import { createIdentitySnapshot, parseProfiles } from "../../../../shared/identity/index.ts";
import { createGateway, requestTo } from "../../../support/gateway.ts";
import { bodyOf, textOf } from "../../../support/streams.ts";

const PROFILES = [
  { userId: "ann", group: "red", "limit-tokens-per-minute": 1000, "limit-concurrent": 2 },
  { userId: "ben", group: "red" },
  { userId: "red", "limit-requests-per-minute": 3 },
  { userId: "cid" },
];

interface Begun extends Omit<NonNullable<Parameters<typeof requestTo>[1]>, "headers"> {
  /** Headers beside the caller's name. */
  readonly also?: HeaderList;
}

/** A gateway whose callers have profiles, by the header X-UserProfile. */
function open(more: Record<string, string> = {}) {
  const env = {
    ...more,
    UseProfiles: "true",
    UserConfigUrl: "file:none",
    GATEWAY_SYNC_MODE: "direct",
  };
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
  const begin = (profile: string, { also = [], ...change }: Begun = {}) => {
    const headers = [["X-UserProfile", profile] as const, ...also];
    return handleRequest(services, requestTo(gateway, { ...change, headers }), undefined);
  };
  const ask = (profile: string, body = "") => begin(profile, { body });
  const useOf = (id: string) => services.limits.book.find(id)?.local(gateway.clock.now());
  return { ...gateway, ask, begin, useOf };
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

describe("a request that its caller gives up", () => {
  const PROMPT = JSON.stringify({ max_tokens: 500, messages: ["word ".repeat(70)] }).padEnd(400);
  const CLAIMED = { requestsInMinute: 1, tokensInMinute: 600, concurrent: 1 };
  const CHARGED = { requestsInMinute: 1, tokensInMinute: 100, concurrent: 0 };
  const NOTHING = { requestsInMinute: 0, tokensInMinute: 0, concurrent: 0 };
  const gone = () => new GatewayError("client-closed", "The client closed the connection.");

  it("has cost its prompt when a backend had begun to work, however often", async () => {
    const { begin, backends, useOf, uses } = open();
    backends.silence();
    for (let n = 1; n <= 3; n++) {
      const leaving = new AbortController();
      const response = begin("ann", { body: PROMPT, closed: leaving.signal });
      await expect.poll(() => backends.calls).toHaveLength(n);
      leaving.abort(gone());
      expect((await response).status).toBe(499);
      expect(useOf("user:ann")).toMatchObject({
        requestsInMinute: n,
        tokensInMinute: 100 * n,
        concurrent: 0,
      });
    }
    await expect.poll(() => uses).toHaveLength(3);
    expect(uses[0]).toMatchObject({ kind: "attempt", status: 499, provenance: "partial" });
  });

  it("tells the ledger what its prompt was", async () => {
    const { begin, backends, uses } = open();
    backends.silence();
    const leaving = new AbortController();
    const target = "/v1/chat/completions";
    const response = begin("ann", { body: PROMPT, target, closed: leaving.signal });
    await expect.poll(() => backends.calls).toHaveLength(1);
    leaving.abort(gone());
    await response;
    await expect.poll(() => uses).toHaveLength(1);
    const words = PROMPT.split(" ").length;
    expect(uses[0]).toMatchObject({
      provenance: "partial",
      tokens: { inputTokens: words, outputTokens: 0 },
    });
  });

  it("has cost nothing while it was on its way to a backend", async () => {
    const { begin, backends, useOf, uses } = open();
    backends.vanish();
    const leaving = new AbortController();
    const response = begin("ann", { body: PROMPT, closed: leaving.signal });
    await expect.poll(() => backends.calls).toHaveLength(1);
    expect(useOf("user:ann")).toMatchObject(CLAIMED);
    leaving.abort(gone());
    await response;
    expect(useOf("user:ann")).toMatchObject(NOTHING);
    expect(uses).toMatchObject([{ kind: "attempt", provenance: "unknown" }]);
  });

  it("has cost its prompt when the time is over that its caller gave it", async () => {
    const { begin, backends, clock, useOf } = open();
    backends.silence();
    const response = begin("ann", { body: PROMPT, also: [["S7PTTL", "2"]] });
    await expect.poll(() => backends.calls).toHaveLength(1);
    await clock.advance(2000);
    expect((await response).status).toBe(412);
    expect(useOf("user:ann")).toMatchObject(CHARGED);
  });

  it("has cost its prompt when its caller gave the backend less time than the gateway", async () => {
    const { begin, backends, clock, useOf } = open();
    backends.silence();
    const response = begin("ann", { body: PROMPT, also: [["S7PTimeout", "500"]] });
    await expect.poll(() => backends.calls).toHaveLength(1);
    await clock.advance(500);
    expect((await response).status).toBe(408);
    expect(useOf("user:ann")).toMatchObject(CHARGED);
  });

  it("has cost nothing when it was the backend that took too long", async () => {
    const { begin, backends, clock, useOf } = open({ Timeout: "1000" });
    backends.silence();
    const response = begin("ann", { body: PROMPT });
    await expect.poll(() => backends.calls).toHaveLength(1);
    await clock.advance(1000);
    expect((await response).status).toBe(408);
    expect(useOf("user:ann")).toMatchObject(NOTHING);
  });
});

describe("a request that is larger than its caller's limit", () => {
  it("is refused for good, with the limit and without a word of a retry", async () => {
    const { ask, backends, useOf } = open();
    backends.answer(200);
    const refused = await ask("ann", JSON.stringify({ max_tokens: 1000, messages: ["x"] }));
    expect(refused.status).toBe(413);
    expect(refused.headers.map(([name]) => name)).not.toContain("retry-after");
    const problem = JSON.parse(await textOf(refused.body));
    expect(problem).toMatchObject({ code: "limit-too-small" });
    expect(problem.detail).toContain("tokensPerMinute has room for 1000 tokens");
    expect(backends.calls).toEqual([]);
    expect(useOf("user:ann")).toBeUndefined();
    expect((await ask("ann", JSON.stringify({ max_tokens: 900, messages: [] }))).status).toBe(200);
  });
});

describe("the x-ratelimit headers of an answer", () => {
  const BACKENDS_OWN = [
    ["x-ratelimit-remaining-tokens", "777777"],
    ["X-RateLimit-Remaining-Requests", "888888"],
  ] as const;
  const toldOf = async (response: Promise<GatewayResponse>): Promise<string[]> =>
    (await response).headers
      .filter(([name]) => name.toLowerCase().startsWith("x-ratelimit-remaining"))
      .map(([name, value]) => `${name.toLowerCase()}: ${value}`)
      .toSorted();

  it("are the caller's own where there is a limit, and the backend's where there is none", async () => {
    const { ask, backends } = open();
    backends.answer(200, "ok", BACKENDS_OWN);
    const requests = (remaining: number) => `x-ratelimit-remaining-requests: ${remaining}`;
    // Of the user's tokens and of the group's requests there is a limit.
    expect(await toldOf(ask("ann", "x".repeat(40)))).toEqual([
      requests(2),
      "x-ratelimit-remaining-tokens: 990",
    ]);
    const backends_ = "x-ratelimit-remaining-tokens: 777777";
    expect(await toldOf(ask("ben"))).toEqual([requests(1), backends_]);
    expect(await toldOf(ask("cid"))).toEqual([requests(888_888), backends_]);
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
