import type { Cancel, Clock } from "../../../shared/core/clock.ts";

export interface LockRenewalOptions {
  clock: Clock;
  lockedUntilAt: number;
  /** Renews the lock; resolves with the new end. */
  renew(): Promise<Date>;
  /** For how long the lock is kept, from now. */
  maxDurationMs: number;
  /** Told once, when the lock could not be kept to the end of its time. */
  onLost(error: unknown): void;
}

const MIN_INTERVAL_MS = 250;

/** Keeps a lock until cancelled, renewing it when half of its time is over. */
export function startLockRenewal(options: LockRenewalOptions): Cancel {
  const { clock, renew, maxDurationMs, onLost } = options;
  const endsAt = clock.now() + maxDurationMs;
  let isCancelled = false;
  let cancelTimer: Cancel = () => {};
  const arm = (lockedUntilAt: number): void => {
    if (isCancelled || lockedUntilAt >= endsAt) return;
    const delayMs = Math.max((lockedUntilAt - clock.now()) / 2, MIN_INTERVAL_MS);
    cancelTimer = clock.schedule(delayMs, () => attempt(lockedUntilAt));
  };
  const attempt = (lockedUntilAt: number): void => {
    if (clock.now() >= endsAt) return;
    renew().then(
      (until) => arm(until.getTime()),
      (error: unknown) => {
        if (isCancelled) return;
        // A broker that restarts may still know the lock, so try for as long as it could.
        if (clock.now() < lockedUntilAt) arm(lockedUntilAt);
        else onLost(error);
      },
    );
  };
  arm(options.lockedUntilAt);
  return () => {
    isCancelled = true;
    cancelTimer();
  };
}
