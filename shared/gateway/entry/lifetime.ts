import type { Cancel, Clock } from "../../core/clock.ts";
import { ttlExpired } from "../end-reasons.ts";
import type { AdmittedRequest } from "./request-envelope.ts";

export interface LifetimeOptions {
  /** Epoch milliseconds by which the answer must have begun. */
  readonly expiresAt: number;
  /** Aborts when the client is gone. */
  readonly closed: AbortSignal;
}

/**
 * All that may end the work for one request, in one signal: its time, its client, and who runs it. Each
 * signal that follows another costs every request more than all of its routing. Scope: one request.
 */
export class Lifetime {
  readonly #clock: Clock;
  readonly #closed: AbortSignal;
  readonly #stop = new AbortController();
  readonly #onClosed = (): void => this.#stop.abort(this.#closed.reason);
  #cancel: Cancel | undefined;

  constructor(clock: Clock, { expiresAt, closed }: LifetimeOptions) {
    this.#clock = clock;
    this.#closed = closed;
    if (closed.aborted) {
      this.#onClosed();
      return;
    }
    closed.addEventListener("abort", this.#onClosed, { once: true });
    this.#arm(expiresAt);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  abort(reason: unknown): void {
    this.#stop.abort(reason);
  }

  /** The answer has begun: its time is no more limited, but its client can still leave. */
  begun(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** The work is over: nothing is held for it any more. */
  ended(): void {
    this.begun();
    this.#closed.removeEventListener("abort", this.#onClosed);
  }

  /** The work goes on without its client, and has until then unless its answer has begun. */
  outlive(expiresAt: number): void {
    this.#closed.removeEventListener("abort", this.#onClosed);
    if (!this.#cancel) return;
    this.#cancel();
    this.#arm(expiresAt);
  }

  #arm(expiresAt: number): void {
    this.#cancel = this.#clock.schedule(expiresAt - this.#clock.now(), () =>
      this.abort(ttlExpired()),
    );
  }
}

/** The lifetime of a request that was let in. */
export const lifetimeOf = (
  { clock }: { readonly clock: Clock },
  { request: { closed }, ticket: { expiresAt } }: AdmittedRequest,
): Lifetime => new Lifetime(clock, { expiresAt, closed });
