import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseSchedule } from "../../../local/host/timers/schedule.ts";
import { timerInput } from "../../../local/host/timers/timer-input.ts";
import {
  TimerListener,
  type TimerListenerOptions,
} from "../../../local/host/timers/timer-listener.ts";
import { retryDelayMs, runWithRetry } from "../../../local/host/timers/timer-retry.ts";
import {
  createTimerStore,
  type ScheduleStatus,
  type TimerStore,
} from "../../../local/host/timers/timer-store.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const MINUTE = 60_000;

const next = (schedule: string, after: string): string | undefined => {
  const at = parseSchedule(schedule).nextAt(Date.parse(after));
  return at === undefined ? undefined : new Date(at).toISOString();
};

describe("a schedule", () => {
  it.each([
    ["0 */5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00.000Z"],
    ["*/5 * * * *", "2026-01-01T00:01:10Z", "2026-01-01T00:05:00.000Z"],
    ["30 0 9 * * 1-5", "2026-01-02T10:00:00Z", "2026-01-05T09:00:30.000Z"],
    ["0 0 0 1 Jan *", "2026-02-01T00:00:00Z", "2027-01-01T00:00:00.000Z"],
    ["0 0 0 13 * FRI", "2026-01-01T00:00:00Z", "2026-02-13T00:00:00.000Z"],
    ["0 5/20 * * * *", "2026-01-01T00:06:00Z", "2026-01-01T00:25:00.000Z"],
    ["00:10:00", "2026-01-01T00:01:00Z", "2026-01-01T00:11:00.000Z"],
  ])("%s comes after %s at %s", (schedule, after, at) => {
    expect(next(schedule, after)).toBe(at);
  });

  it.each([
    "0 0 0 L * *",
    "0 0 0 ? * *",
    "* * * *",
    "0 0 25 * * *",
    "00:00:00",
    "",
    "0 0 0 * * 1#2",
  ])("refuses %s", (schedule) => {
    expect(() => parseSchedule(schedule)).toThrow();
  });
});

function arrange(options: Partial<TimerListenerOptions> = {}, known?: ScheduleStatus) {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  let status = known;
  const store: TimerStore = {
    read: () => status,
    write: (_name, next) => {
      status = next;
    },
  };
  const runs: { at: number; isPastDue: boolean; status: ScheduleStatus | undefined }[] = [];
  const listener = new TimerListener({
    functionName: "timer",
    schedule: parseSchedule("0 */5 * * * *"),
    runOnStartup: false,
    useMonitor: true,
    store,
    clock,
    invoke: async (run) => void runs.push({ at: clock.now(), ...run }),
    ...options,
  });
  return { clock, listener, runs, status: () => status };
}

describe("a timer", () => {
  it("runs when it is due, and remembers its last run and its next", async () => {
    const { clock, listener, runs, status } = arrange();
    const start = clock.now();
    listener.start();
    expect(status()).toEqual({
      lastAt: undefined,
      nextAt: start + 5 * MINUTE,
      lastUpdatedAt: start,
    });
    await clock.advance(11 * MINUTE);
    expect(runs.map(({ at }) => at - start)).toEqual([5 * MINUTE, 10 * MINUTE]);
    expect(status()).toMatchObject({ lastAt: start + 10 * MINUTE, nextAt: start + 15 * MINUTE });
    await listener.stop(0);
    expect(clock.pending).toBe(0);
  });

  it("makes up at once for a run that was missed while the host was down", async () => {
    const start = Date.UTC(2026, 0, 1);
    const known = {
      lastAt: start - 60 * MINUTE,
      nextAt: start - 55 * MINUTE,
      lastUpdatedAt: start - 60 * MINUTE,
    };
    const { clock, listener, runs } = arrange({}, known);
    listener.start();
    await clock.advance(0);
    expect(runs).toEqual([{ at: start, isPastDue: true, status: known }]);
    await clock.advance(5 * MINUTE);
    expect(runs).toHaveLength(2);
    expect(runs[1]?.isPastDue).toBe(false);
    await listener.stop(0);
  });

  it("remembers nothing without a monitor", async () => {
    const start = Date.UTC(2026, 0, 1);
    const known = {
      lastAt: start - 60 * MINUTE,
      nextAt: start - 55 * MINUTE,
      lastUpdatedAt: start,
    };
    const { clock, listener, runs } = arrange({ useMonitor: false }, known);
    listener.start();
    await clock.advance(5 * MINUTE);
    expect(runs).toEqual([{ at: start + 5 * MINUTE, isPastDue: false, status: undefined }]);
    await listener.stop(0);
  });

  it("runs on startup when asked to", async () => {
    const { clock, listener, runs } = arrange({ runOnStartup: true });
    listener.start();
    await clock.advance(0);
    expect(runs).toHaveLength(1);
    expect(runs[0]?.isPastDue).toBe(false);
    await listener.stop(0);
  });

  it("never overlaps, and runs at once after a run that took too long", async () => {
    const first = Promise.withResolvers<void>();
    let running = 0;
    const started: number[] = [];
    const { clock, listener } = arrange({
      invoke: async () => {
        running += 1;
        expect(running).toBe(1);
        started.push(clock.now());
        if (started.length === 1) await first.promise;
        running -= 1;
      },
    });
    const start = clock.now();
    listener.start();
    await clock.advance(17 * MINUTE);
    expect(started).toHaveLength(1);
    first.resolve();
    await clock.advance(0);
    expect(started.map((at) => at - start)).toEqual([5, 17, 17].map((minutes) => minutes * MINUTE));
    await listener.stop(0);
  });

  it("goes on after a failure", async () => {
    let runs = 0;
    const { clock, listener } = arrange({
      invoke: async () => {
        runs += 1;
        throw new Error("no");
      },
    });
    listener.start();
    await clock.advance(11 * MINUTE);
    expect(runs).toBe(2);
    await listener.stop(0);
  });
});

describe("retries of a timer", () => {
  const fixed = { retryStrategy: "fixedDelay", maxRetryCount: 2, delayInterval: { seconds: 3 } };
  const growing = {
    retryStrategy: "exponentialBackoff",
    maxRetryCount: -1,
    minimumInterval: { seconds: 2 },
    maximumInterval: { seconds: 10 },
  };

  it("follow the strategy, and end", () => {
    expect([1, 2, 3].map((count) => retryDelayMs(fixed, count))).toEqual([3000, 3000, undefined]);
    expect([1, 2, 3, 4].map((count) => retryDelayMs(growing, count))).toEqual([
      2000, 4000, 8000, 10_000,
    ]);
  });

  it("tell the function which one it is", async () => {
    const clock = new FakeClock();
    const contexts: unknown[] = [];
    const work = runWithRetry(
      async (context) => {
        contexts.push(context);
        throw new Error("no");
      },
      fixed,
      { clock, signal: new AbortController().signal },
    );
    const failed = expect(work).rejects.toThrow("no");
    await clock.advance(10_000);
    await failed;
    const exception = { message: "no" };
    expect(contexts).toEqual([
      undefined,
      { retryCount: 1, maxRetryCount: 2, exception },
      { retryCount: 2, maxRetryCount: 2, exception },
    ]);
  });
});

describe("what is remembered of timers", () => {
  it("survives in the data folder; what cannot be read counts as new", () => {
    const dataDir = mkdtempSync(join(tmpdir(), "timers-"));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const store = createTimerStore(dataDir);
    expect(store.read("Fold")).toBeUndefined();
    store.write("Fold", { lastAt: 1, nextAt: 2, lastUpdatedAt: 3 });
    expect(createTimerStore(dataDir).read("fold")).toEqual({
      lastAt: 1,
      nextAt: 2,
      lastUpdatedAt: 3,
    });
    writeFileSync(join(dataDir, "timers", "fold.json"), "{");
    expect(store.read("fold")).toBeUndefined();
  });

  it("reaches the function in the platform's names", () => {
    const input = (status?: ScheduleStatus) => JSON.parse(timerInput(status, true).json ?? "");
    expect(input()).toEqual({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: null,
      IsPastDue: true,
    });
    expect(input({ lastAt: undefined, nextAt: 0, lastUpdatedAt: 0 }).ScheduleStatus).toEqual({
      Last: "0001-01-01T00:00:00",
      Next: "1970-01-01T00:00:00.000+00:00",
      LastUpdated: "1970-01-01T00:00:00.000+00:00",
    });
  });
});
