import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { waveOf } from "../../../shared/routing/bookings.ts";
import { RecoveryPace } from "../../../shared/routing/recovery-pace.ts";
import { type LineTurn, RestLine } from "../../../shared/routing/rest-line.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function lineOf() {
  const clock = new FakeClock();
  const line = new RestLine("host", clock);
  const startedAt = clock.now();
  const called: { name: string; atMs: number; turn: LineTurn | undefined }[] = [];
  const enter = (name: string, priority: number, arrivedAt = 0, sharer = name) =>
    line.enter({
      priority,
      arrivedAt,
      sharer,
      called: (turn) => called.push({ name, atMs: clock.now() - startedAt, turn }),
    });
  const rest = (ms: number, turn?: LineTurn) => line.rest(clock.now() + ms, turn);
  const times = () => called.map(({ name, atMs }) => [name, atMs]);
  return { clock, line, called, enter, rest, times };
}

describe("a line for a backend that rests", () => {
  it("calls one when the rest is over, the most urgent, and others at its pace", async () => {
    const { clock, enter, rest, times, called } = lineOf();
    rest(1000);
    enter("late", 3);
    enter("second", 2, 5);
    enter("first", 2, 1);
    await clock.advance(999);
    expect(called).toEqual([]);
    await clock.advance(1);
    expect(times()).toEqual([["first", 1000]]);
    enter("urgent", 1);
    await clock.advance(499);
    expect(called).toHaveLength(1);
    await clock.advance(5000);
    expect(called.map(({ name }) => name)).toEqual(["first", "urgent", "second", "late"]);
    expect(clock.pending).toBe(0);
  });

  it("goes faster with each call that is taken", async () => {
    const { clock, enter, rest, times, called } = lineOf();
    rest(1000);
    for (let n = 0; n < 200; n++) enter(`${n}`, 2, n, "a");
    for (let used = 0; used < 200; used++) {
      while (called.length <= used) await clock.advance(10);
      called[used]?.turn?.used("accepted");
    }
    const [probeAt, secondAt, thirdAt] = times().map(([, atMs]) => Number(atMs));
    expect(Number(secondAt) - Number(probeAt)).toBeGreaterThanOrEqual(500);
    expect(Number(thirdAt) - Number(secondAt)).toBeLessThan(500);
    expect(called.at(-1)?.atMs).toBeLessThan(15_000);
  });

  it("keeps the others when the backend asks for rest again, and is slower afterwards", async () => {
    const { clock, enter, rest, times, called } = lineOf();
    rest(100);
    for (const name of ["a", "b", "c", "d"]) enter(name, 2);
    await clock.advance(100);
    rest(3000, called[0]?.turn);
    called[0]?.turn?.used("refused");
    enter("a", 2, -1);
    await clock.advance(2999);
    expect(called).toHaveLength(1);
    await clock.advance(1000);
    expect(times().slice(1)).toEqual([["a", 3100]]);
    await clock.advance(1);
    expect(times().slice(2)).toEqual([["b", 4100]]);
  });

  it("passes a turn on that is given back, but not at once one that nobody could use", async () => {
    const { clock, enter, rest, called } = lineOf();
    rest(100);
    for (const name of ["a", "b", "c"]) enter(name, 2);
    await clock.advance(100);
    called[0]?.turn?.giveBack();
    expect(called).toHaveLength(2);
    called[0]?.turn?.giveBack();
    called[1]?.turn?.decline();
    expect(called).toHaveLength(2);
    await clock.advance(500);
    expect(called).toHaveLength(3);
  });

  it("has the backend tried once more by the next one where its trial was given back", async () => {
    const { clock, enter, rest, called, times } = lineOf();
    rest(100);
    for (let n = 0; n < 9; n++) enter(`${n}`, 2, n, "a");
    for (let used = 0; used < 4; used++) {
      while (called.length <= used) await clock.advance(10);
      called[used]?.turn?.used("accepted");
    }
    rest(1000, called.at(-1)?.turn);
    const before = called.length;
    while (called.length === before) await clock.advance(10);
    called.at(-1)?.turn?.giveBack();
    expect(called).toHaveLength(before + 2);
    await clock.advance(2000);
    const [triedAt = 0, nextAt = 0] = times()
      .slice(before + 1)
      .map(([, atMs]) => Number(atMs));
    expect(nextAt - triedAt).toBeGreaterThanOrEqual(500);
  });

  it("lets go of whoever leaves, and of all when the backend is gone", async () => {
    const { clock, line, enter, rest, called } = lineOf();
    rest(1000);
    const leave = enter("a", 1);
    enter("b", 2);
    expect(line.mostUrgent).toBe(1);
    leave();
    leave();
    expect([line.mostUrgent, line.waiting]).toEqual([2, 1]);
    line.close();
    expect(called).toMatchObject([{ name: "b", turn: undefined }]);
    expect([line.waiting, clock.pending]).toEqual([0, 0]);
  });

  it("is not asked in a tight loop, however short a rest it takes", async () => {
    const { clock, enter, rest, called } = lineOf();
    rest(0);
    for (let n = 0; n < 100; n++) {
      enter("a", 2);
      await clock.advance(10);
      const { turn } = called.at(-1) ?? {};
      if (turn) rest(0, turn);
    }
    expect(called.length).toBeLessThanOrEqual(20);
  });

  it("books others behind those that wait, in waves that grow", () => {
    const { clock, line, enter, rest } = lineOf();
    rest(1000);
    enter("waits", 1);
    const bookings = [2, 2, 2, 1].map((priority) => line.book(priority) - clock.now());
    expect(bookings).toEqual([1500, 1500, 2000, 1500]);
    expect([0, 1, 2, 3, 30, 31, 62, 63].map(waveOf)).toEqual([0, 1, 1, 2, 4, 5, 5, 6]);
  });

  const event = fc.record({
    priority: fc.integer({ min: 1, max: 3 }),
    sharer: fc.constantFrom("a", "b"),
    afterMs: fc.nat(400),
    restMs: fc.option(fc.nat(3000), { nil: undefined, freq: 3 }),
    leavesAfterMs: fc.option(fc.nat(5000), { nil: undefined, freq: 3 }),
    outcome: fc.constantFrom("accepted", "accepted", "refused", "unknown", "decline", "giveBack"),
  });

  it("loses nobody, calls in order, never during a rest, and never faster than its pace", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 25 }), async (events) => {
        const clock = new FakeClock();
        const line = new RestLine("host", clock);
        let restsUntil = 0;
        let restedSince = true;
        let notBefore = 0;
        const waiting = new Map<number, number>();
        const ended = new Map<number, string>();
        const rest = (ms: number, turn?: LineTurn): void => {
          restsUntil = Math.max(restsUntil, clock.now() + ms);
          restedSince = true;
          line.rest(clock.now() + ms, turn);
        };
        rest(500);
        for (const [
          id,
          { priority, sharer, restMs, leavesAfterMs, outcome, afterMs },
        ] of events.entries()) {
          let cancel = (): void => {};
          const called = (turn: LineTurn | undefined): void => {
            expect(ended.has(id)).toBe(false);
            expect(clock.now()).toBeGreaterThanOrEqual(restsUntil);
            expect(priority).toBe(Math.min(...waiting.values()));
            // After a rest one call probes; the next comes later, unless that one was not made.
            if (!restedSince) expect(clock.now()).toBeGreaterThanOrEqual(notBefore);
            notBefore = restedSince && outcome !== "giveBack" ? clock.now() + 500 : 0;
            restedSince = false;
            waiting.delete(id);
            ended.set(id, "called");
            cancel();
            if (outcome === "refused") rest(300, turn);
            if (outcome === "giveBack") turn?.giveBack();
            else if (outcome === "decline") turn?.decline();
            else turn?.used(outcome as "accepted" | "refused" | "unknown");
          };
          waiting.set(id, priority);
          const leave = line.enter({ priority, sharer, arrivedAt: clock.now(), called });
          if (leavesAfterMs !== undefined && !ended.has(id)) {
            cancel = clock.schedule(leavesAfterMs, () => {
              leave();
              waiting.delete(id);
              ended.set(id, "left");
            });
          }
          if (restMs !== undefined) rest(restMs);
          await clock.advance(afterMs);
          expect(line.waiting).toBe(waiting.size);
        }
        await clock.advance(3_600_000);
        expect(ended.size).toBe(events.length);
        expect([line.waiting, clock.pending]).toEqual([0, 0]);
      }),
      { numRuns: 60 },
    );
  });

  it("never calls more after a rest than its ramp allows, however many wait", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 400 }), fc.boolean(), async (count, isTaken) => {
        const { clock, enter, rest, called } = lineOf();
        rest(1000);
        for (let n = 0; n < count; n++) enter(`${n}`, 2, n, "a");
        await clock.advance(1000);
        expect(called).toHaveLength(1);
        let used = 0;
        for (let half = 1; half <= 8; half++) {
          const before = called.length;
          for (let step = 0; step < 50; step++) {
            await clock.advance(10);
            if (isTaken) while (used < called.length) called[used++]?.turn?.used("accepted");
          }
          // At most twice as fast as the half second before; without answers never faster at all.
          expect(called.length).toBeLessThanOrEqual(isTaken ? 2 * before + 1 : before + 1);
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe("RecoveryPace", () => {
  it("halves at a refusal, returns slowly to where that was, and searches beyond", () => {
    const pace = new RecoveryPace();
    while (pace.intervalMs > 100) pace.accepted();
    const limit = pace.intervalMs;
    pace.refused(true);
    expect(pace.intervalMs).toBeCloseTo(2 * limit);
    let returning = 0;
    for (; pace.intervalMs > limit; returning++) pace.accepted();
    expect(returning).toBeGreaterThan(30);
    let beyond = 0;
    for (; pace.intervalMs > limit / 2; beyond++) pace.accepted();
    expect(beyond).toBeLessThan(20);
  });

  it("is not slowed down by others before one of its own was called, nor without end", () => {
    const pace = new RecoveryPace();
    const { intervalMs } = pace;
    pace.refused(false);
    expect(pace.intervalMs).toBe(intervalMs);
    for (let n = 0; n < 20; n++) pace.refused(true);
    expect(pace.intervalMs).toBe(2000);
  });
});
