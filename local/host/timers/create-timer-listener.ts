import type { AppFunction } from "../app/app-function.ts";
import type { TriggerListener } from "../trigger-listener.ts";
import type { TriggersOptions } from "../triggers.ts";
import { parseSchedule, type Schedule } from "./schedule.ts";
import { timerInput } from "./timer-input.ts";
import { TimerListener } from "./timer-listener.ts";
import { runWithRetry } from "./timer-retry.ts";
import { createTimerStore, type ScheduleStatus } from "./timer-store.ts";

// The platform does not remember schedules that come more often.
const MIN_MONITORED_INTERVAL_MS = 60_000;

/** Makes the listener of a `timerTrigger`; `complain` hears why it cannot be made. */
export function createTimerListener(
  fn: AppFunction,
  { clock, dataDir, invoker, extraInputs, timerLease }: TriggersOptions,
  complain: (problem: string) => void,
): TriggerListener[] {
  const { binding, name } = fn.trigger;
  const schedule = readSchedule(binding["schedule"], complain);
  if (!schedule) return [];
  const stopping = new AbortController();
  const invoke = (status: ScheduleStatus | undefined, isPastDue: boolean): Promise<void> =>
    runWithRetry(
      (retryContext) =>
        invoker().run(fn.fn, {
          inputData: [{ name, data: timerInput(status, isPastDue) }, ...extraInputs(fn)],
          ...(retryContext && { retryContext }),
        }),
      fn.fn.metadata.retryOptions,
      { clock, signal: stopping.signal },
    );
  const listener = new TimerListener({
    functionName: fn.name,
    schedule,
    runOnStartup: binding["runOnStartup"] === true,
    useMonitor: binding["useMonitor"] !== false && isMonitored(schedule, clock.now()),
    store: createTimerStore(dataDir),
    clock,
    invoke: ({ status, isPastDue }) => invoke(status, isPastDue),
  });
  return [
    {
      functionName: fn.name,
      start() {
        if (!timerLease) return listener.start();
        // Whoever waits for it waits for long: the app starts without.
        void timerLease.hold().then((isHeld) => {
          if (isHeld && !stopping.signal.aborted) listener.start();
        });
      },
      stop(graceMs) {
        stopping.abort();
        return listener.stop(graceMs);
      },
      runByHand: () => invoke(undefined, false),
    },
  ];
}

function readSchedule(text: unknown, complain: (problem: string) => void): Schedule | undefined {
  try {
    return parseSchedule(String(text ?? ""));
  } catch (error) {
    complain(`its schedule: ${(error as Error).message}`);
    return undefined;
  }
}

function isMonitored(schedule: Schedule, now: number): boolean {
  const first = schedule.nextAt(now);
  const second = first === undefined ? undefined : schedule.nextAt(first);
  return first === undefined || second === undefined || second - first >= MIN_MONITORED_INTERVAL_MS;
}
