import type { Clock } from "./clock.ts";

/** An abort signal that ends with a moment in time or with another signal, whichever comes first. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Aborts with `reason()` at `atMs` (epoch milliseconds), or with the parent's own reason when that
 * aborts first. Dispose it when the work is done: until then it holds a timer and a listener.
 */
export function createDeadline(
  clock: Clock,
  atMs: number,
  { reason, parent }: { reason: () => Error; parent?: AbortSignal },
): Deadline {
  const controller = new AbortController();
  const onParentAbort = (): void => controller.abort(parent?.reason);
  const cancelTimer = clock.schedule(atMs - clock.now(), () => controller.abort(reason()));
  if (parent?.aborted) onParentAbort();
  else parent?.addEventListener("abort", onParentAbort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      cancelTimer();
      parent?.removeEventListener("abort", onParentAbort);
    },
  };
}
