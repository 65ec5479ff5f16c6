import { elapsedMs } from "../../core/clock.ts";
import type { Caller } from "../../scheduling/index.ts";
import { requestRouted } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import { RequeueError } from "./requeue-error.ts";
import type { RouteTrip } from "./route-trip.ts";

export interface RequeueOptions {
  readonly trip: RouteTrip;
  /** Who has a part of the turns at backends that rest. */
  readonly caller: Caller;
  /** Ends the wait: the request's deadline, or its client. */
  readonly signal: AbortSignal;
}

/**
 * Serves a request as often as its backends ask for it to come again. Between two times it holds
 * nothing: `serve` must have given its slot back when it throws.
 */
export async function withRequeues<Result>(
  { clock, pool, emit }: Pick<Services, "clock" | "pool" | "emit">,
  { trip, caller: { userId, groupId }, signal }: RequeueOptions,
  serve: (isAgain: boolean) => Promise<Result>,
): Promise<Result> {
  const sharer = groupId === undefined ? `user ${userId}` : `group ${groupId}`;
  for (let isAgain = false; ; isAgain = true) {
    try {
      return await serve(isAgain);
    } catch (error) {
      trip.takeTurn()?.giveBack();
      if (!(error instanceof RequeueError)) throw error;
      const { fullBackends, restingBackends, atMostMs } = error;
      const startedAt = clock.now();
      try {
        const { priority, receivedAt: arrivedAt } = trip.facts;
        const rest = { lines: pool.lines(restingBackends), sharer, arrivedAt };
        trip.useTurn(
          await pool.room.wait({ keys: fullBackends, priority, atMostMs, signal, rest }),
        );
      } catch (ended) {
        emit(requestRouted(() => trip.receipt("failed")));
        throw ended;
      } finally {
        trip.waitedMs += elapsedMs(clock, startedAt);
      }
    }
  }
}
