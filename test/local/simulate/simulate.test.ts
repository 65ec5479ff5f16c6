import { describe, expect, it } from "vitest";
import { drawTrace } from "../../../local/replay/drawn-trace.ts";
import { seededRandom } from "../../../local/replay/seeded-random.ts";
import { parseClassShares } from "../../../local/simulate/class-shares.ts";
import type { SimulationResult } from "../../../local/simulate/result.ts";
import { simulate } from "../../../local/simulate/simulate.ts";
import { backendOf, classOf, constant, every, planOf, rowsAt } from "./plan.ts";

const TWO_TIERS = {
  Host1: "host=https://ptu.test;mode=direct;tier=ptu",
  Host2: "host=https://paygo.test;mode=direct;tier=paygo",
};

/** Waits of a single server, first in, first out (Lindley's recursion). */
function lindleyWaits(offsets: readonly number[], serviceMs: number): number[] {
  let freeAt = 0;
  return offsets.map((offset) => {
    const startsAt = Math.max(offset, freeAt);
    freeAt = startsAt + serviceMs;
    return startsAt - offset;
  });
}

/** A busy mix of everything: limits of places, 429, failures, an outage, short times to live. */
const busyPlan = (seed: number) =>
  planOf({
    settings: {
      ...TWO_TIERS,
      Host2: "host=https://paygo.test;tier=paygo;maxconcurrency=6",
      Workers: 12,
      MaxQueueLength: 20,
      DefaultTTLSecs: 30,
      CBErrorThreshold: 3,
      GATEWAY_ROUTING_SPILL: "1=now,2=after:500,3=deadline:5000",
    },
    backends: {
      Host1: { tokensPerMinute: 100_000, outages: [{ fromSeconds: 20, toSeconds: 40 }] },
      Host2: { failureRate: 0.1, outages: [{ fromSeconds: 60, toSeconds: 70, as: "refused" }] },
    },
    rows: drawTrace(7),
    seed,
    classes: parseClassShares("1:2,2:5,3:3"),
    users: 7,
    streamShare: 0.5,
    instances: 2,
    limit: 500,
  });

describe("a simulation", () => {
  it("comes to the same result twice, and to another with another seed", async () => {
    const [first, again, other] = [
      await simulate(busyPlan(1)),
      await simulate(busyPlan(1)),
      await simulate(busyPlan(2)),
    ];
    expect(again).toEqual(first);
    expect(other).not.toEqual({ ...first, seed: 2 });
  });

  it("ends every request exactly once, whatever happens to it", async () => {
    const result = await simulate(busyPlan(3));
    const { arrived, answered, expired, refused, failed } = result.all;
    expect(arrived).toBe(500);
    expect(answered + expired + refused + failed).toBe(500);
    for (const each of result.classes) {
      expect(each.answered + each.expired + each.refused + each.failed).toBe(each.arrived);
    }
    const unanswered = Object.values(result.unanswered).reduce((sum, count) => sum + count, 0);
    expect(unanswered).toBe(500 - answered);
    // Every answer came from one backend, and every call ended in one way.
    const sum = (of: (backend: SimulationResult["backends"][number]) => number) =>
      result.backends.reduce((total, backend) => total + of(backend), 0);
    expect(sum((backend) => backend.answered)).toBe(answered);
    expect(
      sum(
        ({ answered, throttled, failed, cancelled }) => answered + throttled + failed + cancelled,
      ),
    ).toBe(sum(({ calls }) => calls));
    // The plan is busy enough to mean something.
    expect(result.throttled).toBeGreaterThan(0);
    expect(result.retries).toBeGreaterThan(0);
    expect(answered).toBeLessThan(500);
  });

  it("makes the waits of a single slot exactly those of a queue with one server", async () => {
    const random = seededRandom(5);
    let atMs = 0;
    const offsets = Array.from({ length: 400 }, () => {
      const arrivesAt = atMs;
      atMs += Math.round(-Math.log(1 - random()) * 125);
      return arrivesAt;
    });
    const result = await simulate(
      planOf({
        settings: { Workers: 1 },
        backends: { Host1: constant(100) },
        rows: rowsAt(offsets),
      }),
    );
    const waits = lindleyWaits(offsets, 100);
    expect(result.all.answered).toBe(400);
    expect(result.all.wait.max).toBe(Math.max(...waits));
    expect(result.all.wait.mean).toBeCloseTo(waits.reduce((sum, wait) => sum + wait) / 400, 6);
    expect(result.all.total.mean).toBeCloseTo((result.all.wait.mean ?? 0) + 100, 6);
  });

  it("fills two slots twice as fast as one", async () => {
    const [one, two] = await Promise.all(
      [1, 2].map((Workers) =>
        simulate(
          planOf({
            settings: { Workers },
            backends: { Host1: constant(1000) },
            rows: rowsAt(every(0, 10)),
          }),
        ),
      ),
    );
    expect(one?.simulatedMs).toBe(10_000);
    expect(two?.simulatedMs).toBe(5000);
  });

  it("lets the urgent pass those who were there before", async () => {
    const rows = [
      ...rowsAt(every(10, 40), { priorityClass: 3 }),
      ...rowsAt([500, 510, 520], { priorityClass: 1 }),
    ];
    const result = await simulate(
      planOf({ settings: { Workers: 1 }, backends: { Host1: constant(100) }, rows }),
    );
    const [urgent, background] = [classOf(result, 1), classOf(result, 3)];
    expect(urgent.answered).toBe(3);
    // Three times at most: for who runs, and for the two urgent ones before it, and a trickled one.
    expect(urgent.wait.max).toBeLessThanOrEqual(400);
    expect(background.wait.max).toBeGreaterThan(3500);
  });

  it("uses fixed capacity first, and counts what spills and what it costs", async () => {
    // 1,100 tokens a call, output weighted once: ten calls fill a minute's 11,000.
    const result = await simulate(
      planOf({
        settings: { ...TWO_TIERS, Workers: 100 },
        backends: {
          Host1: { ...constant(100), tokensPerMinute: 11_000, outputWeight: 1, pricePerHour: 36 },
          Host2: { ...constant(100), promptPrice: 0.01, outputPrice: 0.1 },
        },
        rows: rowsAt([...every(0, 15), 3_600_000]),
      }),
    );
    expect(backendOf(result, "Host1").answered).toBe(11);
    expect(backendOf(result, "Host1").throttled).toBeGreaterThan(0);
    expect(backendOf(result, "Host1").cost).toBeCloseTo(36, 6);
    expect(backendOf(result, "Host1").peakUtilisation).toBeCloseTo(1, 6);
    expect(backendOf(result, "Host2").answered).toBe(5);
    expect(result.all.spilled.requests).toBe(5);
    expect(result.all.spilled.cost).toBeCloseTo(5 * (1 * 0.01 + 0.1 * 0.1), 6);
    expect(result.cost).toBeCloseTo(36 + 0.1, 6);
  });

  it("obeys the rule of each class about spilling", async () => {
    const rows = [
      ...rowsAt(every(0, 11), { priorityClass: 2 }),
      ...rowsAt([1000], { priorityClass: 1 }),
      ...rowsAt([1000], { priorityClass: 2 }),
      ...rowsAt([1000], { priorityClass: 3 }),
    ];
    const result = await simulate(
      planOf({
        settings: {
          ...TWO_TIERS,
          Workers: 100,
          DefaultTTLSecs: 30,
          GATEWAY_ROUTING_SPILL: "1=now,2=after:2000,3=never",
        },
        backends: {
          // 11,010 tokens: the first eleven calls overfill it, for three minutes.
          Host1: { ...constant(100), tokensPerMinute: 367, burstSeconds: 1800, outputWeight: 1 },
          Host2: constant(100),
        },
        rows,
      }),
    );
    expect(classOf(result, 1).spilled).toMatchObject({ requests: 1 });
    expect(classOf(result, 1).wait.max).toBe(0);
    expect(classOf(result, 2).spilled.requests).toBe(1);
    expect(classOf(result, 2).spilled.wait.max).toBe(2000);
    expect(classOf(result, 3)).toMatchObject({ answered: 0 });
  });
});
