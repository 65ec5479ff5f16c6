import { GatewayError } from "../../core/errors.ts";

/** When, and for what, a request comes again. */
export interface RequeueFacts {
  readonly delayMs: number;
  /** Keys of backends that are full: room at one of them ends the wait early. */
  readonly fullBackends: ReadonlySet<string>;
  /** Keys of backends that rest: who can, waits in their lines, but no longer than `atMostMs`. */
  readonly restingBackends: ReadonlySet<string>;
  readonly atMostMs: number;
}

/**
 * No backend may be called for the request now, but one may be later: whoever holds a slot for it gives
 * it back and calls again after `delayMs`, keeping the request's place. To a client it is a 429.
 */
export class RequeueError extends GatewayError {
  readonly requeue = true;
  readonly delayMs: number;
  readonly fullBackends: ReadonlySet<string>;
  readonly restingBackends: ReadonlySet<string>;
  readonly atMostMs: number;

  constructor({ delayMs, fullBackends, restingBackends, atMostMs }: RequeueFacts) {
    super("backends-throttled", "Every backend asks to be called later.", {
      retryAfterMs: delayMs,
    });
    this.delayMs = delayMs;
    this.fullBackends = fullBackends;
    this.restingBackends = restingBackends;
    this.atMostMs = atMostMs;
  }
}
