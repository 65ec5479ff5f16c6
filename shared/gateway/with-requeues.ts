import { requestRouted } from "../telemetry/index.ts";
import { RequeueError } from "./requeue-error.ts";
import type { RouteTrip } from "./route-trip.ts";
import type { Services } from "./services.ts";

export interface RequeueOptions {
  readonly trip: RouteTrip;
  /** Ends the wait: the request's deadline, or its client. */
  readonly signal: AbortSignal;
}

/**
 * Serves a request as often as its backends ask for it to come again. Between two times it holds
 * nothing: `serve` must have given its slot back when it throws.
 */
export async function withRequeues<Result>(
  { clock, pool, emit }: Pick<Services, "clock" | "pool" | "emit">,
  { trip, signal }: RequeueOptions,
  serve: (isAgain: boolean) => Promise<Result>,
): Promise<Result> {
  for (let isAgain = false; ; isAgain = true) {
    try {
      return await serve(isAgain);
    } catch (error) {
      if (!(error instanceof RequeueError)) throw error;
      const { delayMs, fullBackends } = error;
      const startedAt = clock.now();
      try {
        await pool.room.wait({
          keys: fullBackends,
          priority: trip.facts.priority,
          atMostMs: delayMs,
          signal,
        });
      } catch (ended) {
        emit(requestRouted(() => trip.receipt("failed")));
        throw ended;
      } finally {
        trip.waitedMs += clock.now() - startedAt;
      }
    }
  }
}
