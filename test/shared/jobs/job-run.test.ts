import { describe, expect, it } from "vitest";
import {
  advance,
  beginRun,
  firstLookMs,
  type JobEvent,
  type JobRun,
  type JobStep,
  MAKING_MS,
} from "../../../shared/jobs/index.ts";

const NOW = 1_000_000;
const EXPIRES = NOW + 60_000;
const input = { jobId: "j", expiresAt: EXPIRES, maxAttempts: 5, reconcileMs: 10_000 };
const first = beginRun(input, NOW);
const second: JobRun = { ...first.run, attempt: 2 };

const final = { attempt: 2, isFinal: true };
const retry = (attempt: number, retryAfterMs?: number) => ({
  attempt,
  isFinal: false,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const wait: JobStep = { kind: "wait", untilMs: NOW + 10_000 };

describe("a job's course", () => {
  it("begins by waiting, while whoever makes the job stores it and sends it on its way", () => {
    expect(first.step).toEqual(wait);
  });

  it("looks first when its maker has said, for jobs that came at once do not look at once", () => {
    const spread = [0, 0.5, 1].map((chance) => firstLookMs(30_000, () => chance));
    expect(spread).toEqual([30_000, 75_000, 120_000]);
    const job = { ...input, expiresAt: NOW + 3_600_000, firstLookMs: 75_000 };
    const { run, step } = beginRun(job, NOW);
    expect(step).toEqual({ kind: "wait", untilMs: NOW + 75_000 });
    expect(advance(run, { kind: "checked", signal: undefined }, NOW).step).toEqual({
      kind: "wait",
      untilMs: NOW + 20_000,
    });
    expect(beginRun({ ...job, expiresAt: EXPIRES }, NOW).step).toEqual({
      kind: "wait",
      untilMs: NOW + 15_000,
    });
  });

  it("looks first while lanes still know what was sent to them, however rare looks are to be", () => {
    expect(firstLookMs(3_600_000, () => 1)).toBe(900_000);
  });

  const lookOf = (run: JobRun, now = NOW) => {
    const { step } = advance(run, { kind: "waitedInVain" }, now);
    return step.kind === "check" ? step.look : step;
  };

  it("sees at its first look to what its maker may have left undone, and only then", () => {
    expect(lookOf(first.run)).toEqual({ isFirst: true, isLate: false });
    const seen = advance(first.run, { kind: "checked", signal: undefined }, NOW).run;
    expect([lookOf(seen), lookOf(second)]).toEqual(
      Array(2).fill({ isFirst: false, isLate: false }),
    );
  });

  it("does so too for a request that was promoted: its message may never have come to its lane", () => {
    const inFlight = { ...first.run, isInFlight: true };
    expect(lookOf(inFlight)).toEqual({ isFirst: true, isLate: false });
    const seen = advance(inFlight, { kind: "checked", signal: undefined }, NOW).run;
    expect(lookOf(seen)).toEqual({ isFirst: false, isLate: false });
  });

  it("looks for a job that nobody has stored until its maker has had time enough", () => {
    const signal = { attempt: 1, isFinal: false, isUnmade: true };
    const long = { ...first.run, expiresAt: NOW + 3_600_000 };
    const { run, step } = advance(long, { kind: "checked", signal }, NOW);
    expect([run, step]).toEqual([long, wait]);
    expect(lookOf(run, NOW + MAKING_MS - 1)).toEqual({ isFirst: true, isLate: false });
    expect(lookOf(run, NOW + MAKING_MS)).toEqual({ isFirst: true, isLate: true });
  });

  it("goes on when the job was stored with a later end than it was told", () => {
    const later = EXPIRES + 5000;
    const { run, step } = advance(first.run, { kind: "expired", expiresAt: later }, EXPIRES);
    expect([run.expiresAt, step]).toEqual([later, { kind: "wait", untilMs: later }]);
  });

  it.each<[string, JobEvent, JobStep]>([
    ["waits once the attempt is in its lane", { kind: "enqueued", epoch: 0 }, wait],
    ["is done on the final word", { kind: "signalled", signal: final }, { kind: "done" }],
    [
      "is done on a final word that is late",
      { kind: "signalled", signal: { ...final, attempt: 1 } },
      { kind: "done" },
    ],
    [
      "sleeps as long as asked before it repeats",
      { kind: "signalled", signal: retry(2, 5000) },
      { kind: "sleep", untilMs: NOW + 5000 },
    ],
    [
      "repeats at once where no wait is asked",
      { kind: "signalled", signal: retry(2) },
      { kind: "sleep", untilMs: NOW },
    ],
    [
      "never sleeps beyond its expiry",
      { kind: "signalled", signal: retry(2, 9_000_000) },
      { kind: "sleep", untilMs: EXPIRES },
    ],
    [
      "goes on waiting after late word of an attempt before",
      { kind: "signalled", signal: retry(1, 5000) },
      wait,
    ],
    [
      "looks for itself when no word came",
      { kind: "waitedInVain" },
      { kind: "check", attempt: 2, look: { isFirst: false, isLate: false } },
    ],
    [
      "waits longer when there is nothing to find, but for no more than a quarter of its life",
      { kind: "checked", signal: undefined },
      { kind: "wait", untilMs: NOW + 15_000 },
    ],
    ["acts on what it finds", { kind: "checked", signal: final }, { kind: "done" }],
    [
      "puts the attempt into its lane after sleeping",
      { kind: "slept" },
      { kind: "enqueue", attempt: 2 },
    ],
    [
      "tells a provider of its expiry, if one has the work",
      { kind: "expired" },
      { kind: "release", attempt: 2 },
    ],
    [
      "tells a provider that the job was cancelled, if one has the work",
      { kind: "signalled", signal: { ...final, isAbandoned: true } },
      { kind: "release", attempt: 2 },
    ],
    ["is done once the provider is told", { kind: "released" }, { kind: "done" }],
  ])("%s", (_, event, step) => {
    expect(advance(second, event, NOW).step).toEqual(step);
  });

  it.each<[string, JobEvent]>([
    ["waiting", { kind: "waitedInVain" }],
    ["sleeping", { kind: "slept" }],
  ])("expires when its time is over while %s", (_, event) => {
    expect(advance(second, event, EXPIRES).step).toEqual({ kind: "expire" });
  });

  it("never waits beyond its expiry", () => {
    const { step } = advance(second, { kind: "enqueued", epoch: 0 }, EXPIRES - 1);
    expect(step).toEqual({ kind: "wait", untilMs: EXPIRES });
  });

  const waitsOf = (begun: JobRun, looks: number): number[] => {
    let run = begun;
    return Array.from({ length: looks }, () => {
      const next = advance(run, { kind: "checked", signal: undefined }, NOW);
      run = next.run;
      return "untilMs" in next.step ? next.step.untilMs - NOW : Number.NaN;
    });
  };

  it("looks ever less often while there is nothing to find, up to a limit", () => {
    const long = { ...second, expiresAt: NOW + 3_600_000 };
    expect(waitsOf(long, 5)).toEqual([20_000, 40_000, 80_000, 80_000, 80_000]);
  });

  it("looks as often as at first for an attempt that runs in process", () => {
    const promoted = { ...first.run, isInFlight: true };
    expect(waitsOf(promoted, 3)).toEqual([10_000, 10_000, 10_000]);
  });

  it("looks as often as at first again once an attempt has ended", () => {
    const waiting = { ...second, looks: 3, expiresAt: NOW + 3_600_000 };
    const { run } = advance(waiting, { kind: "signalled", signal: retry(2) }, NOW);
    expect(advance(run, { kind: "enqueued", epoch: 0 }, NOW).step).toEqual(wait);
  });

  it("counts an attempt only when the one before has ended", () => {
    expect(advance(second, { kind: "signalled", signal: retry(2) }, NOW).run.attempt).toBe(3);
    expect(advance(second, { kind: "signalled", signal: retry(1) }, NOW).run.attempt).toBe(2);
    expect(advance(second, { kind: "waitedInVain" }, NOW).run.attempt).toBe(2);
  });
});
