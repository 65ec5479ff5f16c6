import * as df from "durable-functions";
import { describe, expect, it, vi } from "vitest";
import { registerJobOrchestrator } from "../../functions/job.orchestrator.ts";
import { type Asked, Orchestration } from "../support/orchestration.ts";

const NOW = Date.UTC(2026, 0, 1);
const EXPIRES = NOW + 600_000;
const input = { jobId: "job-1", expiresAt: EXPIRES, maxAttempts: 5, reconcileMs: 30_000 };

function orchestrator() {
  const register = vi.spyOn(df.app, "orchestration").mockReturnValue(undefined as never);
  registerJobOrchestrator();
  const [name, handler] = register.mock.calls[0] ?? [];
  expect(name).toBe("job");
  return handler as unknown as ConstructorParameters<typeof Orchestration>[0];
}

const begin = (given: object = input): Orchestration =>
  new Orchestration(orchestrator(), given, NOW);

const activity = (name: string, attempt: number): Asked => ({
  kind: "activity",
  name,
  input: { jobId: "job-1", attempt, epoch: 0 },
});

const check = (look: object): Asked => ({
  kind: "activity",
  name: "checkAttempt",
  input: { jobId: "job-1", attempt: 1, epoch: 0, look },
});

const settle = (isLast = false): Asked => ({
  kind: "activity",
  name: "settleEvents",
  input: { jobId: "job-1", isLast },
});

/** The end is told before the orchestrator ends. */
function expectEnd(job: Orchestration): void {
  expect(job.asked).toEqual(settle());
  job.resume(true);
  expect(job.isDone).toBe(true);
}

const final = { attempt: 1, isFinal: true };

describe("the orchestrator of a job", () => {
  it("waits at once for word of the first attempt, which whoever stored the job sends, or for a while", () => {
    const job = begin();
    expect(job.asked).toMatchObject({
      kind: "any",
      tasks: [
        { kind: "event", name: "attemptEnded" },
        { kind: "timer", at: NOW + 30_000 },
      ],
    });
  });

  it("ends on the final word, and leaves no timer running", () => {
    const job = begin();
    const { asked } = job;
    job.raise(final);
    expectEnd(job);
    const [timer] = asked.kind === "any" ? asked.tasks.slice(1) : [];
    expect(timer?.kind === "timer" && timer.cancel).toHaveBeenCalledOnce();
  });

  it("looks for itself when no word comes, and waits twice as long when there is none", () => {
    const job = begin();
    job.elapse();
    expect(job.asked).toEqual(check({ isFirst: true, isLate: false }));
    job.resume(null);
    expect(job.asked).toMatchObject({ kind: "any", tasks: [{}, { at: NOW + 90_000 }] });
    job.elapse();
    expect(job.asked).toEqual(check({ isFirst: false, isLate: true }));
  });

  it("keeps waiting for the same signal with a new timer, so that none that comes in between is lost", () => {
    const job = begin();
    const tasksOf = (asked: Asked) => (asked.kind === "any" ? asked.tasks : []);
    const [signal, timer] = tasksOf(job.asked);
    job.elapse();
    job.resume(null);
    const [signalAgain, timerAgain] = tasksOf(job.asked);
    expect(signalAgain).toBe(signal);
    expect(timerAgain).not.toBe(timer);
  });

  it("ends when it finds the word that it missed", () => {
    const job = begin();
    job.elapse();
    job.resume(final);
    expectEnd(job);
  });

  it("sleeps as long as a backend asked before it repeats the attempt", () => {
    const job = begin();
    job.raise({ attempt: 1, isFinal: false, retryAfterMs: 7000 });
    expect(job.asked).toMatchObject({ kind: "timer", at: NOW + 7000 });
    job.nowMs += 7000;
    job.resume();
    expect(job.asked).toEqual(activity("enqueueAttempt", 2));
  });

  it("goes on waiting after late word of an attempt that was repeated", () => {
    const job = begin();
    job.raise({ attempt: 1, isFinal: false });
    job.resume();
    expect(job.asked).toEqual(activity("enqueueAttempt", 2));
    job.resume();
    job.raise({ attempt: 1, isFinal: false });
    expect(job.asked.kind).toBe("any");
  });

  it("expires at its time, whether it waits or sleeps", () => {
    for (const retryAfterMs of [undefined, 9_000_000]) {
      const job = begin({ ...input, expiresAt: NOW + 10_000 });
      if (retryAfterMs === undefined) {
        job.elapse();
      } else {
        job.raise({ attempt: 1, isFinal: false, retryAfterMs });
        expect(job.asked).toMatchObject({ kind: "timer", at: NOW + 10_000 });
        job.nowMs = NOW + 10_000;
        job.resume();
      }
      expect(job.asked).toMatchObject({ kind: "activity", name: "expireJob" });
      job.resume();
      expect(job.asked).toMatchObject({ kind: "activity", name: "releaseProvider" });
      job.resume(true);
      expectEnd(job);
    }
  });

  it("asks the provider that has taken the work over, until its answer is there", () => {
    const job = begin();
    job.raise({ attempt: 1, isFinal: false, isHandedOver: true });
    expect(job.asked).toMatchObject({ kind: "any", tasks: [{}, { at: NOW + 1000 }] });
    job.elapse();
    const look = { jobId: "job-1", attempt: 1, isLast: false };
    expect(job.asked).toEqual({ kind: "activity", name: "pollProvider", input: look });
    job.resume({ isFinal: false, retryAfterMs: 7000 });
    expect(job.asked).toMatchObject({ tasks: [{}, { at: job.nowMs + 7000 }] });
    job.elapse();
    job.resume({ isFinal: true });
    expectEnd(job);
  });

  it("tells the provider of a cancelled job a few times, and then no more", () => {
    const job = begin();
    job.raise({ attempt: 1, isFinal: true, isAbandoned: true });
    for (let tries = 1; tries <= 5; tries++) {
      expect(job.asked).toEqual(activity("releaseProvider", 1));
      job.resume(false);
      job.resume();
    }
    expectEnd(job);
  });

  it("looks again, ever more rarely, for more than a day, while the end cannot be told", () => {
    const job = begin();
    job.raise(final);
    const waits: number[] = [];
    while (!job.isDone) {
      expect(job.asked).toEqual(settle(waits.length === 103));
      job.resume(false);
      if (job.isDone) break;
      const at = job.asked.kind === "timer" ? job.asked.at : Number.NaN;
      waits.push(at - job.nowMs);
      job.nowMs = at;
      job.resume();
    }
    expect(waits.slice(0, 3)).toEqual([5000, 10_000, 20_000]);
    expect(Math.max(...waits)).toBe(900_000);
    expect(job.nowMs - NOW).toBeGreaterThan(86_400_000);
  });

  it("starts a new history after a hundred steps, and goes on exactly where it was", () => {
    const long = { ...input, expiresAt: NOW + 1e9 };
    const job = begin(long);
    for (let steps = 0; !job.isDone; steps++) {
      expect(steps).toBeLessThan(101);
      if (job.asked.kind === "any") job.elapse();
      else job.resume(null);
    }
    expect(job.continueAsNew).toHaveBeenCalledOnce();
    const [carried] = job.continueAsNew.mock.calls[0] ?? [];
    const copied = JSON.parse(JSON.stringify(carried)) as object;
    expect(copied).toMatchObject({ jobId: "job-1", attempt: 1 });
    const continued = new Orchestration(orchestrator(), copied, job.nowMs);
    expect(continued.asked).toMatchObject({ kind: "any" });
    continued.elapse();
    expect(continued.asked).toEqual(check({ isFirst: false, isLate: true }));
    continued.resume(final);
    expectEnd(continued);
    expect(continued.continueAsNew).not.toHaveBeenCalled();
  });

  it("asks for its activities again for as long as a job may live, half a minute apart", () => {
    const job = begin();
    job.elapse();
    job.resume(final);
    expect(job.retries).toHaveLength(2);
    for (const retry of job.retries) {
      expect(retry.maxNumberOfAttempts * 30_000).toBeGreaterThan(86_400_000);
      expect(retry.maxRetryIntervalInMilliseconds).toBe(30_000);
    }
  });
});
