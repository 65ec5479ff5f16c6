import type { Clock } from "../../../shared/core/clock.ts";

/** HTTP calls that wait until an instance has ended. Scope: one engine. */
export class EndWaiters {
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the instance ends, when the time is up, or when the signal aborts. */
  wait(instanceId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(instanceId) ?? new Set();
      this.#waiters.set(instanceId, waiters);
      const done = (): void => {
        cancel();
        signal.removeEventListener("abort", done);
        waiters.delete(done);
        if (waiters.size === 0 && this.#waiters.get(instanceId) === waiters) {
          this.#waiters.delete(instanceId);
        }
        resolve();
      };
      const cancel = this.#clock.schedule(timeoutMs, done);
      signal.addEventListener("abort", done);
      waiters.add(done);
    });
  }

  ended(instanceId: string): void {
    for (const done of this.#waiters.get(instanceId) ?? []) done();
  }

  releaseAll(): void {
    for (const instanceId of [...this.#waiters.keys()]) this.ended(instanceId);
  }
}
