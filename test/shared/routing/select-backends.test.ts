import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type RouteQuery,
  type SelectionPolicy,
  selectBackends,
} from "../../../shared/routing/select-backends.ts";
import { viewWith } from "../../support/backend-views.ts";

const NOW = 1_000_000;
const POLICY: SelectionPolicy = {
  mode: "roundrobin",
  spill: { byClass: new Map(), others: { when: "now" } },
  affinity: { of: ({ id }) => `value of ${id}` },
  random: () => 0.5,
};
const QUERY: RouteQuery = {
  priority: 2,
  receivedAt: NOW,
  expiresAt: NOW + 300_000,
  tried: new Map(),
  isRetry: false,
};

type Change = NonNullable<Parameters<typeof viewWith>[0]>;

const pool = (...changes: Change[]) =>
  changes.map((change, index) =>
    viewWith({ ...change, host: { id: "abcdef".charAt(index), ...change.host } }),
  );

function select(
  views: ReturnType<typeof pool>,
  query: Partial<RouteQuery> = {},
  policy: Partial<SelectionPolicy> = {},
) {
  const selection = selectBackends(
    views,
    { ...QUERY, ...query },
    { nowMs: NOW, policy: { ...POLICY, ...policy } },
  );
  return {
    ids: selection.candidates.map(({ host }) => host.id).join(""),
    reasons: Object.fromEntries(selection.passedOver.map((p) => [p.backend, p.reason])),
    ...selection,
  };
}

describe("selectBackends", () => {
  it("lets nobody pass those that wait as urgently, but for more urgent ones and whose turn it is", () => {
    const line = pool({ nextInLine: 2 });
    expect(select(line, { priority: 1 }).ids).toBe("a");
    expect(select(line, { turnAt: "a" }).ids).toBe("a");
    expect(select(line, { priority: 3 }).reasons).toEqual({ a: "line" });
  });

  it.each<[string, Change, Partial<RouteQuery>]>([
    ["class", { host: { priorities: [1] } }, {}],
    ["tried", {}, { tried: new Map([["b", "tried"]]) }],
    ["silent", {}, { tried: new Map([["b", "silent"]]) }],
    ["health", { isHealthy: false }, {}],
    ["breaker", { breaker: { state: "open", until: NOW + 5 } }, {}],
    ["breaker", { breaker: { state: "half-open", isProbing: true } }, {}],
    ["throttled", { throttledUntil: NOW + 1 }, {}],
    ["line", { nextInLine: 2 }, {}],
    ["line", { nextInLine: 1 }, { turnAt: "c" }],
    ["concurrency", { host: { maxConcurrency: 2 }, inFlight: 2 }, {}],
    ["retry-budget", { canRetry: false }, { isRetry: true }],
  ])("passes one over and says why: %s", (reason, change, query) => {
    const { ids, reasons } = select(pool({ host: { priorities: [1, 2] } }, change), query);
    expect([ids, reasons]).toEqual(["a", { b: reason }]);
  });

  it("says when one may be called again, where that is known", () => {
    const { passedOver } = select(
      pool(
        { breaker: { state: "open", until: NOW + 7 } },
        { throttledUntil: NOW + 9 },
        { isHealthy: false },
      ),
    );
    expect(passedOver).toEqual([
      { backend: "a", reason: "breaker", readyAt: NOW + 7 },
      { backend: "b", reason: "throttled", readyAt: NOW + 9 },
      { backend: "c", reason: "health" },
    ]);
  });

  it("puts lower tiers first, and others behind for when those fail (V114)", () => {
    const views = pool({ host: { tier: 2 } }, { host: { tier: 1 } }, { host: { tier: 3 } });
    expect(select(views)).toMatchObject({ ids: "bac", firstTier: 1 });
  });

  it.each([
    ["after", { when: "after", waitedMs: 2000 } as const, { receivedAt: NOW - 1999 }, NOW + 1],
    [
      "deadline",
      { when: "deadline", remainingMs: 30_000 } as const,
      { expiresAt: NOW + 30_001 },
      NOW + 1,
    ],
  ])("holds a later tier back until its rule says otherwise: %s", (_, rule, query, readyAt) => {
    const views = pool({ isHealthy: false }, { host: { tier: 2 } });
    const spill = { byClass: new Map([[2, rule]]), others: { when: "now" } as const };
    const held = select(views, query, { spill });
    expect(held.ids).toBe("");
    expect(held.passedOver).toContainEqual({ backend: "b", reason: "tier", readyAt });
    const due = { receivedAt: NOW - 2000, expiresAt: NOW + 30_000 };
    expect(select(views, due, { spill }).ids).toBe("b");
    expect(select(views, { ...query, priority: 1 }, { spill }).ids).toBe("b");
  });

  it("counts tiers from the first that the class may use", () => {
    const views = pool({ host: { priorities: [1] } }, { host: { tier: 2 } });
    const spill = { byClass: new Map(), others: { when: "never" } as const };
    expect(select(views, {}, { spill })).toMatchObject({ ids: "b", firstTier: 2 });
  });

  it("gives the next call to a half-open backend, so that it can come back", () => {
    const views = pool(
      { latencyMs: 1 },
      { breaker: { state: "half-open", isProbing: false }, failureRate: 1, latencyMs: 900 },
    );
    expect(select(views, {}, { mode: "latency" }).ids).toBe("ba");
  });

  it("obeys affinity where the backend may be called, in the preferred tier only (V118)", () => {
    const views = pool({}, {}, { host: { tier: 2 } });
    const affinity = (id: string) => `value of ${id}`;
    expect(select(views, { affinity: affinity("b") })).toMatchObject({
      ids: "bac",
      isAffine: true,
    });
    expect(select(views, { affinity: affinity("c") })).toMatchObject({
      ids: "abc",
      isAffine: false,
    });
    expect(select(views, { affinity: "b" })).toMatchObject({ ids: "abc", isAffine: false });
    const out = pool({}, { throttledUntil: NOW + 1 });
    expect(select(out, { affinity: affinity("b") })).toMatchObject({ ids: "a", isAffine: false });
  });

  it("sends what was too long only to larger models of other names", () => {
    const views = pool(
      { host: { contextWindow: 8000 } },
      { host: { contextWindow: 128_000, model: "small" } },
      { host: { contextWindow: 128_000, model: "large" } },
      {},
    );
    const tooLongFor = { contextWindow: 8000, models: new Set(["small"]) };
    expect(select(views, { tooLongFor })).toMatchObject({
      ids: "c",
      reasons: { a: "context-window", b: "context-window", d: "context-window" },
    });
  });

  it("names each backend once, as a candidate or with a reason, and calls none that is out", () => {
    const change = fc.record({
      isHealthy: fc.boolean(),
      throttledUntil: fc.constantFrom(0, NOW + 1),
      inFlight: fc.nat(3),
      canRetry: fc.boolean(),
      host: fc.record({
        tier: fc.integer({ min: 1, max: 3 }),
        weight: fc.nat(3),
        maxConcurrency: fc.constantFrom(undefined, 2),
        priorities: fc.constantFrom(undefined, [1], [2, 3]),
      }),
    });
    const mode = fc.constantFrom("latency", "roundrobin", "random");
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 6 }),
        mode,
        fc.boolean(),
        (changes, by, isRetry) => {
          const views = pool(...changes);
          const { candidates, passedOver } = select(views, { isRetry }, { mode: by });
          const named = [
            ...candidates.map(({ host }) => host.id),
            ...passedOver.map((p) => p.backend),
          ];
          expect(named.toSorted()).toEqual(views.map(({ host }) => host.id).toSorted());
          for (const { isHealthy, throttledUntil, inFlight, canRetry, host } of candidates) {
            expect(isHealthy && throttledUntil <= NOW && (canRetry || !isRetry)).toBe(true);
            expect(inFlight).toBeLessThan(host.maxConcurrency ?? Number.POSITIVE_INFINITY);
            expect(host.priorities ?? [2]).toContain(2);
          }
          const tiers = candidates.map(({ host }) => host.tier);
          expect(tiers).toEqual(tiers.toSorted((a, b) => a - b));
        },
      ),
    );
  });
});
