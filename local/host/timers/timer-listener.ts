import type { Cancel, Clock } from "../../../shared/core/clock.ts";
import { RunningWork } from "../invocation/running-work.ts";
import type { Schedule } from "./schedule.ts";
import type { ScheduleStatus, TimerStore } from "./timer-store.ts";

export interface TimerListenerOptions {
  functionName: string;
  schedule: Schedule;
  runOnStartup: boolean;
  /** Whether the schedule is remembered, so that a run that was missed is made up for. */
  useMonitor: boolean;
  store: TimerStore;
  clock: Clock;
  /** Runs the function; rejects when it failed. */
  invoke(run: { status: ScheduleStatus | undefined; isPastDue: boolean }): Promise<unknown>;
}

/** Fires a timer function when it is due, one run at a time. Scope: one function. */
export class TimerListener {
  readonly #options: TimerListenerOptions;
  readonly #running: RunningWork;
  #cancel: Cancel = () => {};
  #isStopped = false;

  constructor(options: TimerListenerOptions) {
    this.#options = options;
    this.#running = new RunningWork(options.clock);
  }

  start(): void {
    const { runOnStartup, clock, schedule } = this.#options;
    const now = clock.now();
    const known = this.#status();
    const dueAt = known ? this.#expectedAt(known) : schedule.nextAt(now);
    const isPastDue = known !== undefined && dueAt !== undefined && dueAt < now;
    if (isPastDue || runOnStartup) {
      this.#fire(now, isPastDue);
      return;
    }
    if (!known && dueAt !== undefined)
      this.#remember({ lastAt: undefined, nextAt: dueAt, lastUpdatedAt: now });
    this.#arm(dueAt);
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#running.ended(graceMs);
  }

  // The schedule may have been edited since: what counts is the new one, from the last run on.
  #expectedAt({ lastAt, lastUpdatedAt }: ScheduleStatus): number | undefined {
    return this.#options.schedule.nextAt(lastAt ?? lastUpdatedAt);
  }

  #arm(dueAt: number | undefined): void {
    if (dueAt === undefined || this.#isStopped) return;
    const { clock } = this.#options;
    this.#cancel = clock.schedule(Math.max(0, dueAt - clock.now()), () => {
      // A timer may fire a moment early; that occurrence would then come up a second time.
      if (clock.now() < dueAt) this.#arm(dueAt);
      else this.#fire(dueAt, false);
    });
  }

  #fire(firedAt: number, isPastDue: boolean): void {
    const { invoke, schedule } = this.#options;
    const status = this.#status();
    const nextAt = schedule.nextAt(firedAt);
    const goOn = (): void => {
      if (nextAt !== undefined) this.#remember({ lastAt: firedAt, nextAt, lastUpdatedAt: firedAt });
      // A run that took longer than the interval is followed by the next at once.
      this.#arm(nextAt);
    };
    this.#running.track(invoke({ status, isPastDue }).then(goOn, goOn));
  }

  #status(): ScheduleStatus | undefined {
    const { useMonitor, store, functionName } = this.#options;
    return useMonitor ? store.read(functionName) : undefined;
  }

  #remember(status: ScheduleStatus): void {
    const { useMonitor, store, functionName } = this.#options;
    if (useMonitor) store.write(functionName, status);
  }
}
