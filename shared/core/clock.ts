/** Cancels what was scheduled; calling it twice, or after the callback ran, does nothing. */
export type Cancel = () => void;

/**
 * Time as an argument. Production passes {@link systemClock}; tests pass a clock they advance by
 * hand, so that no test sleeps and hours run in milliseconds.
 */
export interface Clock {
  /** The current time in epoch milliseconds. */
  now(): number;
  /** Runs `callback` once, `delayMs` milliseconds from now (at once when it is not positive). */
  schedule(delayMs: number, callback: () => void): Cancel;
}

/** How long ago a moment was: never less than nothing, though the clock may have been set back since. */
export const elapsedMs = (clock: Pick<Clock, "now">, sinceAt: number): number =>
  Math.max(0, clock.now() - sinceAt);

// setTimeout fires at once for delays above 2^31-1 ms, so longer waits are re-armed in steps.
const MAX_TIMER_MS = 2_147_483_647;
// Nothing that this program does itself takes so long at a time: the process was held up.
const HELD_UP_MS = 200;

/**
 * The real clock. Its timers do not keep the process alive. Node runs timers before it reads what came
 * in; after a process was held up, what came meanwhile is read first, so that nobody is taken for late
 * who was not.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, callback) {
    let timer: NodeJS.Timeout;
    let lateTurn: NodeJS.Immediate | undefined;
    const arm = (remainingMs: number): void => {
      const stepMs = Math.min(Math.max(remainingMs, 0), MAX_TIMER_MS);
      const dueAt = performance.now() + stepMs;
      timer = setTimeout(() => {
        if (remainingMs > stepMs) arm(remainingMs - stepMs);
        else if (performance.now() - dueAt < HELD_UP_MS) callback();
        else lateTurn = setImmediate(callback);
      }, stepMs);
      timer.unref();
    };
    arm(delayMs);
    return () => {
      clearTimeout(timer);
      clearImmediate(lateTurn);
    };
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
