import { type Cancel, systemClock } from "../core/clock.ts";

/** How long a call to storage may take, with all the tries that its library makes. */
export const CALL_LIMIT_MS = 30_000;

/**
 * Gives up a call to a service that is silent: the libraries have no limit of their own (the one they offer is
 * only told to the service), and whoever takes connections and never answers would hold every caller. A call
 * of several steps begins anew with each. Scope: one call.
 */
export class CallLimit implements Disposable {
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  #cancel: Cancel | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The next step begins. */
  restart(): void {
    this.pause();
    this.#cancel = systemClock.schedule(this.#timeoutMs, () =>
      this.#controller.abort(new Error(`Storage was silent for ${this.#timeoutMs} ms.`)),
    );
  }

  /** Nothing is waited for. */
  pause(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  [Symbol.dispose](): void {
    this.pause();
  }
}

/** Makes a call that ends in time. */
export async function withinLimit<Result>(
  timeoutMs: number,
  call: (limit: CallLimit) => Promise<Result>,
): Promise<Result> {
  using limit = new CallLimit(timeoutMs);
  try {
    return await call(limit);
  } catch (error) {
    // Libraries tell that they were stopped, and not why.
    throw limit.signal.aborted ? limit.signal.reason : error;
  }
}
