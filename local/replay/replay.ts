import { delay } from "../../shared/core/clock.ts";
import { StartError } from "../service.ts";
import type { Gateway } from "./gateway.ts";
import { InFlight } from "./in-flight.ts";
import type { Mix } from "./mix.ts";
import { type PlannedRequest, requestPlanner } from "./plan-request.ts";
import { schedule } from "./schedule.ts";
import { serveRequest } from "./serve-request.ts";
import type { Tally } from "./tally.ts";
import type { TraceRow } from "./trace-row.ts";

// Sockets and memory of this process; arrivals beyond it are late, and the report says so.
const MAX_IN_FLIGHT = 2000;

export interface ReplayPlan {
  readonly rows: AsyncIterable<TraceRow> | Iterable<TraceRow>;
  readonly speed: number;
  readonly limit: number;
  readonly mix: Mix;
  readonly seed: number;
  /** Ends the replay: nothing more is sent, and what runs is given up. */
  readonly stop: AbortSignal;
}

/** What a replay came to. */
export interface ReplayResult {
  readonly tally: Tally;
  readonly durationMs: number;
  /** Why the trace could not be read to its end. */
  readonly problem?: StartError;
}

/** Sends the trace's requests at their times, whether or not earlier ones are answered, and sees all through. */
export async function replay(
  gateway: Gateway,
  plan: ReplayPlan,
  tally: Tally,
): Promise<ReplayResult> {
  const { clock } = gateway;
  const startedAt = clock.now();
  const inFlight = new InFlight(MAX_IN_FLIGHT);
  const problem = await sendAll({ gateway, plan, tally, inFlight, startedAt });
  await inFlight.idle();
  const durationMs = clock.now() - startedAt;
  return problem ? { tally, durationMs, problem } : { tally, durationMs };
}

interface Sending {
  readonly gateway: Gateway;
  readonly plan: ReplayPlan;
  readonly tally: Tally;
  readonly inFlight: InFlight;
  readonly startedAt: number;
}

async function sendAll(sending: Sending): Promise<StartError | undefined> {
  const { gateway, plan, inFlight, startedAt } = sending;
  const { clock } = gateway;
  const planRequest = requestPlanner(plan.seed, plan.mix);
  try {
    for await (const arrival of schedule(plan.rows, plan)) {
      const waitMs = startedAt + arrival.dueMs - clock.now();
      if (waitMs > 0) await delay(clock, waitMs, plan.stop);
      await inFlight.room();
      plan.stop.throwIfAborted();
      inFlight.run(() => send(sending, planRequest(arrival)));
    }
  } catch (error) {
    if (error instanceof StartError) return error;
    if (!plan.stop.aborted) throw error;
  }
  return undefined;
}

async function send(
  { gateway, plan, tally, startedAt }: Sending,
  request: PlannedRequest,
): Promise<void> {
  tally.sent(request, gateway.clock.now() - startedAt - request.dueMs);
  tally.ended(request, await serveRequest(gateway, request, plan.stop));
}
