import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PassedOver, PassedOverReason } from "../../../shared/routing/index.ts";
import { type DeadEnd, nextStep } from "../../../shared/routing/next-step.ts";

const NOW = 1_000_000;
const END: DeadEnd = {
  passedOver: [],
  requeueDelaysMs: [],
  hasTried: false,
  hasAttemptsLeft: true,
  mayWait: true,
  goesRound: false,
  expiresAt: NOW + 60_000,
  recheckMs: 15_000,
  isPatient: false,
};
const over = (reason: PassedOverReason, readyInMs?: number): PassedOver => ({
  backend: "Host1",
  reason,
  ...(readyInMs === undefined ? {} : { readyAt: NOW + readyInMs }),
});
const step = (change: Partial<DeadEnd>) => nextStep({ ...END, ...change }, NOW);

describe("nextStep", () => {
  it("comes again after the shortest wait that was asked for, even when others failed", () => {
    expect(step({ requeueDelaysMs: [5000, 400], hasTried: true })).toEqual({
      kind: "requeue",
      delayMs: 400,
      isAsked: true,
      atMostMs: 400,
    });
  });

  it("does not wait beyond the deadline, nor without attempts left", () => {
    const asked = { requeueDelaysMs: [60_000], hasTried: true };
    expect(step(asked)).toEqual({ kind: "exhausted" });
    const none = { requeueDelaysMs: [10], hasTried: true, hasAttemptsLeft: false, mayWait: false };
    expect(step(none)).toEqual({ kind: "exhausted" });
  });

  it("waits for the leave to spill, or for the first tier, whichever comes first", () => {
    const requeue = (delayMs: number, atMostMs: number) => ({
      kind: "requeue",
      delayMs,
      atMostMs,
      isAsked: false,
    });
    expect(step({ passedOver: [over("tier", 2000), over("health")] })).toEqual(requeue(2000, 2000));
    expect(step({ passedOver: [over("tier", 2000), over("throttled", 700)] })).toEqual(
      requeue(700, 2000),
    );
    const hour = 3_600_000;
    expect(step({ passedOver: [over("tier"), over("breaker", 900)] })).toEqual(requeue(900, hour));
    expect(step({ passedOver: [over("tier"), over("breaker")] })).toEqual(requeue(1000, hour));
    expect(step({ passedOver: [over("line")] })).toEqual(requeue(1000, hour));
    expect(step({ passedOver: [over("tier"), over("throttled", 60_000)] })).toMatchObject({
      kind: "unavailable",
    });
  });

  it("looks again soon where a backend is full, for nobody knows when it will have room", () => {
    const end = { passedOver: [over("concurrency"), over("throttled", 5000)], hasTried: true };
    expect(step(end)).toEqual({
      kind: "requeue",
      delayMs: 1000,
      atMostMs: 1000,
      isAsked: false,
    });
  });

  it("waits a rest out that all ask for, where nobody waits for the answer and nobody failed", () => {
    const requeue = (delayMs: number, atMostMs = 3_600_000) => ({
      ...{ kind: "requeue", isAsked: false },
      ...{ delayMs, atMostMs },
    });
    const patient = (...passedOver: PassedOver[]) =>
      step({ isPatient: true, hasTried: true, passedOver });
    expect(patient(over("throttled", 9000), over("breaker", 7000))).toEqual(requeue(7000));
    expect(patient(over("throttled", 20_000), over("health"))).toEqual(requeue(15_000, 15_000));
    expect(patient(over("tried", 0))).toEqual(requeue(50));
    expect(patient(over("throttled", 60_000))).toEqual({ kind: "exhausted" });
    expect(patient(over("throttled", 9000), over("tried"))).toEqual({ kind: "exhausted" });
    expect(patient(over("throttled", 9000), over("silent"))).toEqual({ kind: "exhausted" });
    expect(patient(over("health"))).toEqual({ kind: "exhausted" });
    const hurried = { hasTried: true, passedOver: [over("throttled", 9000)] };
    expect(step(hurried)).toEqual({ kind: "exhausted" });
  });

  it("waits for a moment's rest as for a longer one, where it may wait at all", () => {
    const requeue = (delayMs: number) => ({
      kind: "requeue",
      delayMs,
      atMostMs: 3_600_000,
      isAsked: false,
    });
    const brief = { hasTried: true, hasAttemptsLeft: false };
    const waiting = { ...brief, passedOver: [over("tried", 80), over("tier")] };
    expect(step(waiting)).toEqual(requeue(80));
    expect(step({ ...waiting, passedOver: [over("tried", 0), over("tier")] })).toEqual(requeue(50));
    expect(step({ ...waiting, mayWait: false })).toEqual({ kind: "exhausted" });
    expect(step({ ...brief, passedOver: [over("tried", 80)] })).toEqual({ kind: "exhausted" });
  });

  it("goes round again where it may, but not for those that were silent", () => {
    const end = { goesRound: true, hasTried: true };
    expect(step({ ...end, passedOver: [over("tried")] })).toEqual({ kind: "again" });
    expect(step({ ...end, passedOver: [over("silent")] })).toEqual({ kind: "exhausted" });
    expect(step({ ...end, passedOver: [over("tried")], hasAttemptsLeft: false })).toEqual({
      kind: "exhausted",
    });
  });

  it("says at once, and honestly, when all are out (V70, V121)", () => {
    expect(step({ passedOver: [over("breaker", 4000), over("health")] })).toEqual({
      kind: "unavailable",
      isThrottled: false,
      retryAfterMs: 4000,
    });
    expect(step({ passedOver: [over("health")] })).toMatchObject({ retryAfterMs: 15_000 });
    // Half-open: the one call that tries it may end at any moment.
    expect(step({ passedOver: [over("breaker"), over("health")] })).toMatchObject({
      retryAfterMs: 1000,
    });
    expect(step({ passedOver: [over("throttled", 5000), over("throttled", 1500)] })).toEqual({
      kind: "unavailable",
      isThrottled: true,
      retryAfterMs: 1500,
    });
  });

  it("finds no route where no backend serves the class", () => {
    expect(step({ passedOver: [over("class"), over("class")] })).toEqual({ kind: "no-route" });
    expect(step({ passedOver: [over("class"), over("throttled", 10)] })).toMatchObject({
      kind: "unavailable",
      isThrottled: true,
    });
  });

  it("never waits beyond the deadline, and never for nothing", () => {
    const reason = fc.constantFrom<PassedOverReason>(
      "class",
      "tried",
      "tier",
      "health",
      "breaker",
      "throttled",
      "concurrency",
      "line",
    );
    const anyOver = fc
      .tuple(reason, fc.option(fc.nat(100_000), { nil: undefined }))
      .map(([why, readyInMs]) => over(why, readyInMs));
    const end = fc.record({
      passedOver: fc.array(anyOver, { maxLength: 5 }),
      requeueDelaysMs: fc.array(fc.nat(100_000), { maxLength: 2 }),
      hasTried: fc.boolean(),
      hasAttemptsLeft: fc.boolean(),
      goesRound: fc.boolean(),
      mayWait: fc.boolean(),
    });
    fc.assert(
      fc.property(end, (change) => {
        const next = step(change);
        if (next.kind === "requeue") expect(next.delayMs).toBeLessThan(60_000);
        if (next.kind === "requeue" && !next.isAsked) expect(next.delayMs).toBeGreaterThan(0);
        if (next.kind === "unavailable") expect(next.retryAfterMs).toBeGreaterThanOrEqual(0);
        if (!change.hasAttemptsLeft) expect(next.kind).not.toBe("again");
        if (!change.mayWait) expect(next.kind).not.toMatch(/again|requeue/);
      }),
    );
  });
});
