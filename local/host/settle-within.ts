import type { Clock } from "../../shared/core/clock.ts";

/** Resolves when the work has settled, either way, or when the time is up: a close must not hang. */
export function settleWithin(
  clock: Clock,
  limitMs: number,
  work: Promise<unknown> | undefined,
): Promise<void> {
  if (!work) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = clock.schedule(limitMs, resolve);
    const done = (): void => {
      cancel();
      resolve();
    };
    work.then(done, done);
  });
}
