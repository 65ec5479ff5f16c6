import { describe, expect, it } from "vitest";
import { backoffMs } from "../../../shared/routing/backoff.ts";
import { isFairTimeout } from "../../../shared/routing/fair-timeout.ts";
import { HealthWindow } from "../../../shared/routing/health-window.ts";
import { LatencyMeter } from "../../../shared/routing/latency-meter.ts";
import { RetryBudget } from "../../../shared/routing/retry-budget.ts";

const NOW = Date.UTC(2026, 0, 1);

describe("RetryBudget", () => {
  const spent = (): RetryBudget => {
    const budget = new RetryBudget(0.2);
    for (let n = 0; n < 20; n++) budget.take(NOW);
    return budget;
  };

  it("is used up by retries in vain", () => {
    const budget = new RetryBudget(0.2);
    for (let n = 0; n < 19; n++) budget.take(NOW);
    expect(budget.canRetry(NOW)).toBe(true);
    budget.take(NOW);
    expect(budget.canRetry(NOW)).toBe(false);
  });

  it("is filled by a share of the successful calls", () => {
    const budget = spent();
    for (let n = 0; n < 4; n++) budget.succeeded(false);
    expect(budget.canRetry(NOW)).toBe(false);
    budget.succeeded(false);
    expect(budget.canRetry(NOW)).toBe(true);
  });

  it("is no obstacle to retries that succeed, however many", () => {
    const budget = new RetryBudget(0.2);
    for (let n = 0; n < 1000; n++) {
      expect(budget.canRetry(NOW)).toBe(true);
      budget.take(NOW);
      budget.succeeded(true);
    }
  });

  it("gives a backend that gets nothing but retries one a second to come back by", () => {
    const budget = spent();
    expect(budget.canRetry(NOW + 999)).toBe(false);
    let retries = 0;
    for (let atMs = NOW; atMs <= NOW + 60_000; atMs += 10) {
      if (!budget.canRetry(atMs)) continue;
      budget.take(atMs);
      retries += 1;
    }
    expect(retries).toBe(60);
  });

  it("lets through at most a share of retries while all of them fail", () => {
    const budget = new RetryBudget(0.2);
    let retries = 0;
    for (let n = 0; n < 1000; n++) {
      budget.succeeded(false);
      if (!budget.canRetry(NOW)) continue;
      budget.take(NOW);
      retries += 1;
    }
    expect(retries).toBeLessThanOrEqual(20 + 0.2 * 1000);
    expect(retries).toBeGreaterThan(190);
  });
});

describe("HealthWindow", () => {
  const healthAfter = (results: string, successRate = 0.8): boolean => {
    const health = new HealthWindow();
    for (const result of results) health.record(result === "+", successRate);
    return health.isHealthy;
  };

  it.each([
    ["", true],
    ["-----------------------", true],
    ["+", true],
    ["+-", true],
    ["+---", true],
    ["+----", false],
    ["++++-", true],
    ["++-+-", false],
    ["+++++-", true],
    ["+++++++++++++++++++++-----", false],
    ["+-+", true],
    ["+-++++", true],
    ["----+", true],
    [`+${"-".repeat(200)}+++`, false],
    [`+${"-".repeat(200)}++++`, true],
    [`+${"-".repeat(5)}++++`, true],
    ["+----++++-", true],
    ["+----++++----", true],
    ["+----++++-----", false],
    [`+${"-+++".repeat(50)}`, false],
  ])("after the probes %j says healthy: %j", (results, isHealthy) => {
    expect(healthAfter(results)).toBe(isHealthy);
  });

  it("counts the last 50 alone", () => {
    const steady = `${"+".repeat(40)}${"+++++++--+".repeat(5)}`;
    expect(healthAfter(steady)).toBe(true);
    expect(healthAfter(`${steady}--`, 0.81)).toBe(false);
  });

  it("holds a single failure against nobody but where every probe must succeed", () => {
    expect(healthAfter("+++++-", 1)).toBe(false);
    expect(healthAfter("+++++-", 0.83)).toBe(true);
  });

  it("removes nobody where no success is asked for", () => {
    expect(healthAfter("+----------------", 0)).toBe(true);
  });

  it("holds nothing against a backend that is not probed any more", () => {
    const health = new HealthWindow();
    health.record(true, 0.8);
    while (health.isHealthy) health.record(false, 0.8);
    health.forget();
    expect(health.isHealthy).toBe(true);
    // The one that was still on its way.
    expect(health.record(false, 0.8)).toBe(false);
    expect(health.isHealthy).toBe(true);
  });

  it("tells when a backend goes out and when it comes back", () => {
    const health = new HealthWindow();
    const told = [..."+----++++"].map((result) => health.record(result === "+", 0.8));
    const [out, back] = [4, 8];
    expect(told).toEqual(told.map((_, at) => at === out || at === back));
  });
});

describe("LatencyMeter", () => {
  it("follows a change within a few answers, and does not jump at a single one", () => {
    const meter = new LatencyMeter();
    meter.record(100, 0);
    meter.record(200, 1);
    expect(meter.latencyMs(1)).toBeCloseTo(120);
    for (let n = 0; n < 20; n++) meter.record(200, 2);
    expect(meter.latencyMs(2)).toBeGreaterThan(195);
  });

  it("goes by probes until there are real calls", () => {
    const meter = new LatencyMeter();
    meter.recordProbe(20, 0);
    expect([meter.latencyMs(0), meter.realMs(0)]).toEqual([20, undefined]);
    meter.record(900, 0);
    meter.recordProbe(20, 0);
    expect([meter.latencyMs(0), meter.realMs(0)]).toEqual([900, 900]);
  });

  it("forgets what is long past, so that a backend that was slow is tried again", () => {
    const meter = new LatencyMeter();
    meter.record(900, 0);
    expect(meter.latencyMs(300_000)).toBe(900);
    expect(meter.latencyMs(300_001)).toBeUndefined();
    meter.record(10, 300_001);
    expect(meter.latencyMs(300_001)).toBe(10);
  });
});

describe("LatencyMeter of a backend that was never measured", () => {
  it("wants a call, and when that said nothing of it another one after a while", () => {
    const meter = new LatencyMeter();
    expect(meter.isUntried(0)).toBe(true);
    meter.answeredUnmeasured(0);
    expect(meter.isUntried(9999)).toBe(false);
    expect(meter.isUntried(10_000)).toBe(true);
    meter.record(5, 10_000);
    expect(meter.isUntried(10_000)).toBe(false);
  });
});

describe("isFairTimeout", () => {
  it.each([
    [1000, 1000, 5000, true],
    [300, 60_000, undefined, true],
    [300, 60_000, 100, true],
    [300, 60_000, 5000, false],
    [1, 60_000, undefined, false],
  ])("after %d ms of %d, where %s are usual, says %j", (waitedMs, limitMs, usualMs, isFair) => {
    expect(isFairTimeout(waitedMs, { limitMs, usualMs })).toBe(isFair);
  });
});

describe("backoffMs", () => {
  it("doubles its ceiling up to a limit, and draws from all of it", () => {
    const ceilings = [1, 2, 3, 6, 7, 30].map((round) => backoffMs(round, () => 1));
    expect(ceilings).toEqual([100, 200, 400, 3200, 5000, 5000]);
    expect(backoffMs(3, () => 0)).toBe(0);
    expect(backoffMs(3, () => 0.5)).toBe(200);
  });
});
