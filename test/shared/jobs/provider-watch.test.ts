import { describe, expect, it } from "vitest";
import {
  advance,
  beginRun,
  type JobRun,
  MAX_REFUSALS,
  pollDelayMs,
} from "../../../shared/jobs/index.ts";

const NOW = 1_000_000;
const EXPIRES = NOW + 600_000;
const input = { jobId: "j", expiresAt: EXPIRES, maxAttempts: 5, reconcileMs: 10_000 };
const first = beginRun(input, NOW).run;
const handedOver = { attempt: 1, isFinal: false, isHandedOver: true } as const;

function watched(): JobRun {
  return advance(first, { kind: "signalled", signal: handedOver }, NOW).run;
}

const polled = (run: JobRun, report: object, at = NOW) =>
  advance(run, { kind: "polled", report: { isFinal: false, ...report } }, at);

describe("a job whose work a provider has taken over", () => {
  it("waits before it first asks, for as long as the provider wants", () => {
    const signal = { ...handedOver, retryAfterMs: 7000 };
    const { run, step } = advance(first, { kind: "signalled", signal }, NOW);
    expect(step).toEqual({ kind: "wait", untilMs: NOW + 7000 });
    expect(advance(run, { kind: "waitedInVain" }, NOW + 7000).step).toEqual({
      kind: "poll",
      attempt: 1,
      isLast: false,
    });
  });

  it("asks no sooner for being told of the hand-over again", () => {
    const { run, step } = polled(watched(), { retryAfterMs: 60_000 });
    expect(step).toEqual({ kind: "wait", untilMs: NOW + 60_000 });
    const again = advance(run, { kind: "signalled", signal: handedOver }, NOW + 1000);
    expect(again).toEqual({ run, step });
  });

  it("asks ever more seldom, up to half a minute", () => {
    let run = watched();
    const delays: number[] = [];
    for (let poll = 0; poll < 12; poll++) {
      const next = polled(run, {});
      run = next.run;
      if (next.step.kind === "wait") delays.push(next.step.untilMs - NOW);
    }
    expect(delays.slice(0, 3)).toEqual([1500, 2250, 3375]);
    expect(delays.at(-1)).toBe(30_000);
  });

  it("takes the last of several refusals in a row for an answer", () => {
    let run = watched();
    const lasts: boolean[] = [];
    for (let poll = 0; poll < MAX_REFUSALS; poll++) {
      const { step } = advance(run, { kind: "waitedInVain" }, NOW);
      lasts.push(step.kind === "poll" && step.isLast);
      run = polled(run, { isRefused: true }).run;
    }
    expect(lasts).toEqual([false, false, false, false, true]);
    run = polled(run, {}).run;
    expect(run.provider?.refusals).toBe(0);
  });

  it("is done when the outcome stands, and expires while it waits", () => {
    expect(polled(watched(), { isFinal: true }).step).toEqual({ kind: "done" });
    // The look came before the signal of the cancellation.
    const abandoned = polled(watched(), { isFinal: true, isAbandoned: true }).step;
    expect(abandoned).toEqual({ kind: "release", attempt: 1 });
    expect(advance(watched(), { kind: "waitedInVain" }, EXPIRES).step).toEqual({ kind: "expire" });
    const late = polled(watched(), { retryAfterMs: 300_000 }, EXPIRES - 1000);
    expect(late.step).toEqual({ kind: "wait", untilMs: EXPIRES });
  });

  it.each([
    [undefined, 1000],
    [0, 500],
    [90_000, 90_000],
    [86_400_000, 300_000],
  ])("takes a wish to wait for %s ms as %d ms", (askedMs, delayMs) => {
    expect(pollDelayMs(0, askedMs)).toBe(delayMs);
  });
});
