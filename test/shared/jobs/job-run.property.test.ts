import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  advance,
  beginRun,
  type JobEvent,
  type JobRun,
  type JobSignal,
  type JobStep,
} from "../../../shared/jobs/index.ts";

const START = 1_000_000;

/** What the world does at one step: how long it takes, and what word comes, if any. */
interface Turn {
  readonly tookMs: number;
  readonly word: "none" | "final" | "retry" | "stale" | "handedOver" | "abandoned";
  readonly retryAfterMs: number;
}

const turn: fc.Arbitrary<Turn> = fc.record({
  tookMs: fc.nat(20_000),
  word: fc.constantFrom("none", "final", "retry", "stale", "handedOver", "abandoned"),
  retryAfterMs: fc.nat(1_000_000),
});

function signalOf({ attempt }: JobRun, { word, retryAfterMs }: Turn): JobSignal | undefined {
  if (word === "none") return undefined;
  if (word === "final") return { attempt, isFinal: true };
  if (word === "abandoned") return { attempt, isFinal: true, isAbandoned: true };
  if (word === "handedOver") return { attempt, isFinal: false, isHandedOver: true, retryAfterMs };
  const of = word === "stale" ? attempt - 1 : attempt;
  return { attempt: of, isFinal: false, retryAfterMs };
}

/** What may come of a step, as the orchestrator would report it, and when. */
function outcomeOf(run: JobRun, step: JobStep, { now, turn }: { now: number; turn: Turn }) {
  const at = (ms: number, event: JobEvent) => ({ now: Math.max(now, ms), event });
  const signal = signalOf(run, turn);
  switch (step.kind) {
    case "enqueue":
      return at(now + turn.tookMs, { kind: "enqueued", epoch: 0 });
    case "wait":
      return signal && now + turn.tookMs < step.untilMs
        ? at(now + turn.tookMs, { kind: "signalled", signal })
        : at(step.untilMs, { kind: "waitedInVain" });
    case "check":
      return at(now + turn.tookMs, { kind: "checked", signal });
    case "poll": {
      const isRefused = turn.word === "stale";
      const report = { isFinal: turn.word === "final", isRefused };
      return at(now + turn.tookMs, { kind: "polled", report });
    }
    case "release":
      return at(now + turn.tookMs, { kind: "released" });
    case "sleep":
      return at(step.untilMs, { kind: "slept" });
    case "expire":
      return at(now + turn.tookMs, { kind: "expired" });
    case "done":
      throw new Error("A run that is done has no next step.");
  }
}

describe("a job's course, whatever happens", () => {
  it("raises its attempt by one at a time and plans nothing beyond its expiry", () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 100 }), fc.nat(200_000), (turns, livesMs) => {
        const expiresAt = START + livesMs;
        const input = { jobId: "j", expiresAt, maxAttempts: 3, reconcileMs: 30_000 };
        let { run, step } = beginRun(input, START);
        let now = START;
        for (const next of turns) {
          if (step.kind === "done") return;
          const outcome = outcomeOf(run, step, { now, turn: next });
          now = outcome.now;
          const before: number = run.attempt;
          ({ run, step } = advance(run, outcome.event, now));
          expect([before, before + 1]).toContain(run.attempt);
          if ("untilMs" in step) expect(step.untilMs).toBeLessThanOrEqual(expiresAt);
          if ("attempt" in step) expect(step.attempt).toBe(run.attempt);
        }
      }),
    );
  });

  it("ends soon after its expiry when no word ever comes", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 5000 }), (livesMs, tookMs) => {
        const expiresAt = START + livesMs;
        const input = { jobId: "j", expiresAt, maxAttempts: 3, reconcileMs: 30_000 };
        let { run, step } = beginRun(input, START);
        let now = START;
        const kinds: string[] = [];
        while (step.kind !== "done" && kinds.length < 100) {
          kinds.push(step.kind);
          const silence = { tookMs, word: "none", retryAfterMs: 0 } as const;
          const outcome = outcomeOf(run, step, { now, turn: silence });
          now = outcome.now;
          ({ run, step } = advance(run, outcome.event, now));
        }
        expect(kinds.slice(-2)).toEqual(["expire", "release"]);
        expect(kinds.filter((kind) => kind === "expire")).toHaveLength(1);
        expect(now).toBeLessThanOrEqual(expiresAt + 4 * tookMs);
      }),
    );
  });
});
