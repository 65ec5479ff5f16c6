import { beforeEach, describe, expect, it } from "vitest";
import type { Usage } from "../../../../shared/api/index.ts";
import { readUsage } from "../../../../shared/gateway/index.ts";
import type { UsageEvent } from "../../../../shared/usage/index.ts";
import { createGateway, type TestGateway } from "../../../support/gateway.ts";
import { textOf } from "../../../support/streams.ts";
import { USED_AT, usageEvent } from "../../../support/usage-events.ts";

const OPERATOR = [["x-operator-key", "secret"]] as const;
const SPAN = "from=2026-11-22T00:00:00Z&to=2026-11-23";
const PRICES = JSON.stringify([{ model: "gpt-4o*", input: 2, output: 10 }]);

let gateway: TestGateway;

const record = (...events: UsageEvent[]) =>
  gateway.services.usage.ledger?.record({ id: "m", sums: [], events });

async function ask(query: string, headers: readonly (readonly [string, string])[] = OPERATOR) {
  const response = await readUsage(gateway.services, { headers, target: `/usage?${query}` });
  const text = await textOf(response.body);
  return { ...response, text, usage: () => JSON.parse(text) as Usage };
}

beforeEach(() => {
  gateway = createGateway({ OperatorKeys: "secret", GATEWAY_USAGE_PRICES: PRICES });
});

describe("GET /usage", () => {
  it("tells operators what everybody used, and what it costs", async () => {
    await record(
      usageEvent({ id: "a" }),
      usageEvent({ id: "b", user: "bob", provenance: "estimated" }),
      usageEvent({ id: "c", kind: "attempt", status: 500, provenance: "partial" }),
      usageEvent({ id: "d", model: "free" }),
    );
    const { usage } = await ask(`${SPAN}&group=user,model`);
    const ann = { user: "ann", model: "gpt-4o" };
    expect(usage()).toMatchObject({
      from: "2026-11-22T00:00:00.000Z",
      to: "2026-11-23T00:00:00.000Z",
      group: ["user", "model"],
      currency: "USD",
      rows: [
        { user: "ann", model: "free", answers: 1, cost: 0, unpricedTokens: 15 },
        { ...ann, answers: 1, reported: 1, cost: 0.00007, failedAttempts: 1, failedTokens: 15 },
        { user: "bob", model: "gpt-4o", answers: 1, estimated: 1, totalTokens: 15 },
      ],
      total: { answers: 3, inputTokens: 30, outputTokens: 15, totalTokens: 45, cost: 0.00014 },
    });
    expect(usage()).not.toHaveProperty("continuation");
  });

  it("tells callers their own, and of no backend", async () => {
    await record(usageEvent({ id: "a" }), usageEvent({ id: "b", user: "bob" }));
    const bob = [["X-UserID", "bob"]] as const;
    expect((await ask(`${SPAN}&group=user`, bob)).usage().rows).toMatchObject([
      { user: "bob", answers: 1 },
    ]);
    expect((await ask(`${SPAN}&user=bob`, bob)).usage().total.answers).toBe(1);
    for (const query of ["user=ann", "group=backend", "group=model,backend"]) {
      await expect(ask(`${SPAN}&${query}`, bob)).rejects.toMatchObject({
        code: "operator-key-missing",
      });
    }
    await expect(ask(SPAN, [["x-operator-key", "wrong"]])).rejects.toMatchObject({
      code: "operator-key-refused",
    });
  });

  it("tells hours, days, classes, backends, provenances and one user or model apart", async () => {
    const hour = 3_600_000;
    await record(
      usageEvent({ id: "a" }),
      usageEvent({ id: "b", endedAt: USED_AT + hour, priority: 1, backend: "Host2" }),
      usageEvent({ id: "c", user: "bob", model: "other" }),
    );
    const rows = async (query: string) => (await ask(`${SPAN}&${query}`)).usage().rows;
    expect(await rows("group=hour,class,backend&user=ann")).toMatchObject([
      { hour: "2026-11-22T09:00:00.000Z", class: "2", backend: "Host1", answers: 1 },
      { hour: "2026-11-22T10:00:00.000Z", class: "1", backend: "Host2", answers: 1 },
    ]);
    expect(await rows("group=day&model=other")).toMatchObject([{ day: "2026-11-22", answers: 1 }]);
    expect(await rows("group=")).toMatchObject([{ answers: 3 }]);
    const second = "from=2026-11-22T10:00:00Z&to=2026-11-22T11:00:00Z&group=user";
    expect((await ask(second)).usage().rows).toMatchObject([{ user: "ann", answers: 1 }]);
  });

  it("tells tiers apart, each by its own price, as JSON and as CSV", async () => {
    const prices = [
      { model: "*", serviceTier: "batch", input: 1, output: 5 },
      { model: "*", backend: "Host2", input: 0 },
      { model: "*", input: 2, output: 10 },
    ];
    gateway = createGateway({
      OperatorKeys: "secret",
      GATEWAY_USAGE_PRICES: JSON.stringify(prices),
    });
    await record(
      usageEvent({ id: "a" }),
      usageEvent({ id: "b", serviceTier: "batch" }),
      usageEvent({ id: "c", serviceTier: "priority" }),
      usageEvent({ id: "d", backend: "Host2" }),
    );
    const query = `${SPAN}&group=serviceTier`;
    expect((await ask(query)).usage()).toMatchObject({
      group: ["serviceTier"],
      rows: [
        { serviceTier: "batch", answers: 1, cost: 0.000035 },
        { serviceTier: "default", answers: 2, cost: 0.00007 },
        { serviceTier: "priority", answers: 1, cost: 0.00007 },
      ],
      total: { answers: 4, cost: 0.000175, unpricedTokens: 0 },
    });
    const { text } = await ask(`${query}&format=csv`);
    expect(text.split("\r\n").map((line) => line.split(",")[0])).toEqual([
      ...["serviceTier", "batch", "default", "priority", ""],
    ]);
    const ann = [["X-UserID", "ann"]] as const;
    expect((await ask(query, ann)).usage().rows).toHaveLength(3);
  });

  it("comes in pages, which together are all", async () => {
    const users = Array.from({ length: 7 }, (_, index) => `user-${index}`);
    await record(...users.map((user) => usageEvent({ id: user, user })));
    const seen: (string | undefined)[] = [];
    let continuation = "";
    do {
      const { usage } = await ask(`${SPAN}&group=user&limit=3${continuation}`);
      seen.push(...usage().rows.map(({ user }) => user));
      expect(usage().total.answers).toBe(7);
      const next = usage().continuation;
      continuation = next === undefined ? "" : `&continuation=${next}`;
    } while (continuation !== "");
    expect(seen).toEqual(users);
  });

  it("comes as CSV, in which no name is a formula", async () => {
    await record(
      usageEvent({ id: "a", user: '=HYPERLINK("http://x","y")' }),
      usageEvent({ id: "b", user: "\n+1, 2" }),
      usageEvent({ id: "c", user: "plain" }),
      usageEvent({ id: "d", user: "＝1+1" }),
    );
    const asked = await ask(`${SPAN}&group=user&format=csv`);
    expect(asked.headers).toContainEqual([
      "content-type",
      "text/csv; charset=utf-8; header=present",
    ]);
    expect(asked.text.split("\r\n").slice(0, -1)).toEqual([
      expect.stringMatching(/^user,answers,reported,.*,failedTokens,currency$/),
      `"'\n+1, 2",1,1,0,0,0,10,0,0,5,0,15,0.00007,0,0,0,USD`,
      `"'=HYPERLINK(""http://x"",""y"")",1,1,0,0,0,10,0,0,5,0,15,0.00007,0,0,0,USD`,
      "plain,1,1,0,0,0,10,0,0,5,0,15,0.00007,0,0,0,USD",
      "'＝1+1,1,1,0,0,0,10,0,0,5,0,15,0.00007,0,0,0,USD",
    ]);
    const byAccept = await ask(SPAN, [...OPERATOR, ["accept", "text/csv"]]);
    expect(byAccept.text).toMatch(/^model,/);
  });

  it.each([
    "from=yesterday",
    "group=color",
    "limit=0",
    "from=2026-01-01&to=2026-12-01",
    "from=2026-11-22&to=2026-11-21",
    "unknown=1",
    "continuation=%00",
  ])("refuses what cannot be read: %s", async (query) => {
    await expect(ask(query)).rejects.toMatchObject({ code: "bad-request" });
  });
});
