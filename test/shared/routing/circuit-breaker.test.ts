import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BreakerChange, CircuitBreaker } from "../../../shared/routing/circuit-breaker.ts";

const POLICY = { minFailures: 5, failureRate: 0.5, windowMs: 10_000 };

function failed(times: number, breaker = new CircuitBreaker(POLICY), nowMs = 0): CircuitBreaker {
  for (let n = 0; n < times; n++) breaker.failed(nowMs, breaker.begin(nowMs), "status");
  return breaker;
}

describe("CircuitBreaker", () => {
  it("opens at the failure that makes them enough, and not before", () => {
    const breaker = failed(4);
    expect(breaker.view(0)).toEqual({ state: "closed" });
    failed(1, breaker);
    expect(breaker.view(0)).toEqual({ state: "open", until: 10_000 });
  });

  it("stays closed while failures are a small part of all calls", () => {
    const breaker = new CircuitBreaker(POLICY);
    for (let n = 0; n < 100; n++) {
      breaker.succeeded(n, false);
      if (n % 3 === 0) breaker.failed(n, false, "status");
    }
    expect(breaker.view(100).state).toBe("closed");
    expect(breaker.failureRate(100)).toBeCloseTo(0.25, 1);
  });

  it("forgets failures that are older than its window", () => {
    const breaker = failed(4);
    failed(4, breaker, 10_501);
    expect(breaker.view(10_501).state).toBe("closed");
    failed(1, breaker, 10_501);
    expect(breaker.view(10_501).state).toBe("open");
  });

  it("lets one call at a time try a backend whose time is over", () => {
    const breaker = failed(5);
    expect(breaker.begin(9_999)).toBe(false);
    expect(breaker.view(10_000)).toEqual({ state: "half-open", isProbing: false });
    expect(breaker.begin(10_000)).toBe(true);
    expect(breaker.view(10_000)).toEqual({ state: "half-open", isProbing: true });
    expect(breaker.begin(10_000)).toBe(false);
  });

  it("closes when that call succeeds, and opens for as long again when it fails", () => {
    const breaker = failed(5);
    breaker.failed(10_000, breaker.begin(10_000), "broken");
    expect(breaker.view(10_000)).toEqual({ state: "open", until: 20_000 });
    breaker.succeeded(20_000, breaker.begin(20_000));
    expect(breaker.view(20_000)).toEqual({ state: "closed" });
    expect(breaker.failureRate(20_000)).toBe(0);
  });

  it("lets the next one try when that call ended without a verdict", () => {
    const breaker = failed(5);
    breaker.abandoned(breaker.begin(10_000));
    expect(breaker.view(10_000)).toEqual({ state: "half-open", isProbing: false });
    expect(breaker.begin(10_000)).toBe(true);
  });

  it("does not listen to calls that began before it opened", () => {
    const breaker = failed(5);
    breaker.succeeded(1, false);
    breaker.failed(2, false, "status");
    expect(breaker.view(2)).toEqual({ state: "open", until: 10_000 });
  });

  it("keeps what it knows when only its thresholds change", () => {
    const breaker = failed(4);
    breaker.reconfigure({ ...POLICY, minFailures: 3 });
    failed(1, breaker);
    expect(breaker.view(0).state).toBe("open");
  });

  it("never has two calls try a half-open backend, whatever happens", () => {
    const step = fc.record({
      waitMs: fc.nat(6000),
      end: fc.constantFrom("succeeded", "failed", "abandoned", "none"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const breaker = new CircuitBreaker({ ...POLICY, minFailures: 1 });
        let nowMs = 0;
        let probes = 0;
        for (const { waitMs, end } of steps) {
          nowMs += waitMs;
          const view = breaker.view(nowMs);
          if (view.state === "open") continue;
          const isProbe = breaker.begin(nowMs);
          if (isProbe) probes += 1;
          expect(probes).toBeLessThanOrEqual(1);
          if (view.state === "half-open" && !isProbe) continue;
          if (end === "none") {
            if (isProbe) {
              breaker.abandoned(true);
              probes -= 1;
            }
            continue;
          }
          if (end === "abandoned") breaker.abandoned(isProbe);
          else breaker[end](nowMs, isProbe, "status");
          if (isProbe) probes -= 1;
        }
      }),
    );
  });
});

describe("what is told of a breaker", () => {
  function told() {
    const changes: BreakerChange[] = [];
    return { changes, breaker: new CircuitBreaker(POLICY, (change) => void changes.push(change)) };
  }

  it("is each change of its state, with what it came of", () => {
    const { breaker, changes } = told();
    breaker.succeeded(0, false);
    failed(4, breaker, 1000);
    breaker.failed(2000, false, "timed-out");
    breaker.failed(12_000, breaker.begin(12_000), "broken");
    breaker.succeeded(22_500, breaker.begin(22_500));
    const opened = { lastFailure: "timed-out", failures: 5, calls: 6, failedTrials: 0 };
    const again = { ...opened, lastFailure: "broken", failedTrials: 1 };
    expect(changes).toEqual([
      { state: "open", reason: "failures", ...opened, openForMs: 0 },
      { state: "half-open", reason: "trial-begun", ...opened, openForMs: 10_000 },
      { state: "open", reason: "trial-failed", ...again, openForMs: 10_000 },
      { state: "half-open", reason: "trial-begun", ...again, openForMs: 20_500 },
      { state: "closed", reason: "trial-succeeded", ...again, openForMs: 20_500 },
    ]);
  });

  it("begins anew when it opens again", () => {
    const { breaker, changes } = told();
    failed(5, breaker);
    breaker.failed(10_000, breaker.begin(10_000), "status");
    breaker.succeeded(20_000, breaker.begin(20_000));
    failed(5, breaker, 20_001);
    expect(changes.at(-1)).toMatchObject({ state: "open", failedTrials: 0, openForMs: 0 });
  });

  it("is one trial, however many end without a verdict", () => {
    const { breaker, changes } = told();
    failed(5, breaker);
    for (let n = 0; n < 100; n++) breaker.abandoned(breaker.begin(10_000 + n));
    expect(changes.map(({ state }) => state)).toEqual(["open", "half-open"]);
  });

  it("is what its state becomes, and no more than three changes a window, whatever happens", () => {
    const step = fc.record({
      waitMs: fc.nat(4000),
      end: fc.constantFrom("succeeded", "failed", "failed", "abandoned"),
    });
    let most = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
        const at: number[] = [];
        let nowMs = 0;
        let state = "closed";
        const breaker = new CircuitBreaker(
          { ...POLICY, minFailures: 1, failureRate: 0 },
          (change) => {
            expect(change.state).not.toBe(state);
            state = change.state;
            at.push(nowMs);
          },
        );
        for (const { waitMs, end } of steps) {
          nowMs += waitMs;
          if (breaker.view(nowMs).state === "open") continue;
          const isProbe = breaker.begin(nowMs);
          if (end === "abandoned") breaker.abandoned(isProbe);
          else breaker[end](nowMs, isProbe, "status");
          expect(breaker.view(nowMs).state).toBe(state);
        }
        for (const [index, from] of at.entries()) {
          const within = at.slice(index).filter((time) => time < from + POLICY.windowMs).length;
          expect(within).toBeLessThanOrEqual(3);
          most = Math.max(most, within);
        }
      }),
    );
    expect(most).toBe(3);
  });
});
