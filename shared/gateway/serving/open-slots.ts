import type { Lanes, Settings } from "../../config/index.ts";
import type { Clock } from "../../core/clock.ts";
import type { PriorityClass } from "../../core/domain.ts";
import { FairScheduler } from "../../scheduling/index.ts";
import type { Services } from "../services.ts";

/** The largest part of the slots that a user over their share leaves free for those within theirs. */
const HEADROOM = 1 / 3;

export interface OpenSlotsOptions {
  readonly settings: Pick<Settings, "workers" | "maxQueueLength" | "reservations" | "preemptible">;
  readonly lanes: Lanes;
  readonly clock: Clock;
}

/** An instance's slots, and the gates before them. */
export function openSlots({
  settings,
  lanes,
  clock,
}: OpenSlotsOptions): Pick<Services, "slots" | "gates" | "preemptible"> {
  const { workers, maxQueueLength, reservations } = settings;
  const preemptible = preemptibleClasses(lanes, settings);
  const policy = { maxQueueLength, preemptible, reservations, trickle: trickleOf(lanes) };
  return {
    slots: new FairScheduler({ capacity: workers, clock, headroom: HEADROOM, ...policy }),
    gates: laneGates(lanes, { workers, clock }),
    preemptible,
  };
}

/** A lane's share as one of so many grants, which its class gets however much more urgent work waits. */
function trickleOf({ lanes }: Lanes): ReadonlyMap<PriorityClass, number> {
  return new Map(lanes.map(({ priority, share }) => [priority, Math.max(2, Math.ceil(1 / share))]));
}

/**
 * The gate of a lane that may use all slots holds nobody, and only counts: whoever had a place behind it and
 * waited for a slot would keep others from waiting for one by their right.
 */
function laneGates(
  { lanes }: Lanes,
  { workers, clock }: { workers: number; clock: Clock },
): ReadonlyMap<string, FairScheduler> {
  return new Map(
    lanes.map(({ name, concurrency }) => {
      const capacity = concurrency < workers ? concurrency : Number.MAX_SAFE_INTEGER;
      return [name, new FairScheduler({ capacity, clock, headroom: HEADROOM })];
    }),
  );
}

function preemptibleClasses(
  { lanes }: Lanes,
  { preemptible }: Pick<Settings, "preemptible">,
): ReadonlySet<PriorityClass> {
  const marked = lanes.filter((lane) => lane.preemptible).map((lane) => lane.priority);
  return new Set([...marked, ...preemptible]);
}
