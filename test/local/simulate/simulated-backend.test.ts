import { describe, expect, it } from "vitest";
import { type BackendModel, PAID_BY_USE } from "../../../local/simulate/backend-model.ts";
import { SimulatedBackend } from "../../../local/simulate/simulated-backend.ts";
import { TokenBucket } from "../../../local/simulate/token-bucket.ts";

const SIZE = { contextTokens: 1000, generatedTokens: 100 };
const fixed = () => 0.5;
const backendOf = (change: Partial<BackendModel> = {}) =>
  new SimulatedBackend({ ...PAID_BY_USE, jitter: 0, ...change }, 0);

describe("a bucket of tokens", () => {
  it("takes calls until it is full, and says to the millisecond when it takes the next", () => {
    const bucket = new TokenBucket({ tokensPerMinute: 60_000, burstSeconds: 1 }, 0);
    expect(bucket.waitMs(0)).toBe(0);
    bucket.take(1500, 0);
    expect(bucket.fill(0)).toBe(1);
    const waitMs = bucket.waitMs(0);
    expect(waitMs).toBe(501);
    expect(bucket.waitMs(waitMs - 1)).toBeGreaterThan(0);
    expect(bucket.waitMs(waitMs)).toBe(0);
  });

  it("lets through no more than its rate in the long run", () => {
    const bucket = new TokenBucket({ tokensPerMinute: 60_000, burstSeconds: 1 }, 0);
    let taken = 0;
    for (let nowMs = 0; nowMs < 600_000; nowMs += 10) {
      if (bucket.waitMs(nowMs) > 0) continue;
      bucket.take(300, nowMs);
      taken += 300;
    }
    expect(taken).toBeGreaterThan(599_000);
    expect(taken).toBeLessThanOrEqual(600_000 + 1000 + 300);
  });
});

describe("a modelled backend", () => {
  it("takes the time that its speeds say", () => {
    const backend = backendOf({
      firstTokenMs: 200,
      promptTokensPerSecond: 10_000,
      tokensPerSecond: 50,
    });
    expect(backend.react(SIZE, 0, fixed)).toEqual({
      kind: "answered",
      firstTokenMs: 300,
      totalMs: 2300,
    });
  });

  it("slows down with its load, and refuses beyond its places until one is free", () => {
    const speed = { firstTokenMs: 0, promptTokensPerSecond: 1000, tokensPerSecond: 50 };
    const backend = backendOf({ ...speed, concurrency: 2, slowdown: 1, retryAfterMs: 700 });
    expect(backend.react(SIZE, 0, fixed)).toMatchObject({ firstTokenMs: 1000, totalMs: 3000 });
    expect(backend.react(SIZE, 0, fixed)).toMatchObject({ firstTokenMs: 1500, totalMs: 4500 });
    expect(backend.react(SIZE, 0, fixed)).toEqual({ kind: "throttled", retryAfterMs: 700 });
    backend.ended(SIZE, "cancelled");
    expect(backend.react(SIZE, 0, fixed).kind).toBe("answered");
  });

  it("weighs output tokens against its capacity", () => {
    const backend = backendOf({ tokensPerMinute: 1400, outputWeight: 4 });
    expect(backend.react(SIZE, 0, fixed).kind).toBe("answered");
    expect(backend.counts.used).toBe(1400);
    expect(backend.react(SIZE, 0, fixed)).toEqual({ kind: "throttled", retryAfterMs: 1 });
  });

  it("draws its failures, and fails during outages whatever is drawn", () => {
    const outages = [{ fromSeconds: 10, toSeconds: 20, as: "errors" as const }];
    const backend = backendOf({ failureRate: 0.3, outages });
    expect(backend.react(SIZE, 0, () => 0.29)).toMatchObject({ kind: "failed", status: 500 });
    expect(backend.react(SIZE, 9999, () => 0.3).kind).toBe("answered");
    expect(backend.react(SIZE, 10_000, () => 0.9)).toMatchObject({ kind: "failed", status: 503 });
    expect([backend.isUp(9999), backend.isUp(10_000), backend.isUp(20_000)]).toEqual([
      true,
      false,
      true,
    ]);
  });
});
