import type { Lane } from "../../config/index.ts";
import type { Services } from "../services.ts";
import { inSlot, type SlotWork } from "./in-slot.ts";

/** Work that came through a lane. */
export interface LaneWork<Result> extends SlotWork<Result> {
  readonly lane: Pick<Lane, "name">;
  /** A user's requests come from both of the lane's queues, and again after a crash: the lower goes first. */
  readonly place: number;
}

/** Waits for the lane's gate, then for one of the instance's slots, and does the work in it. */
export async function throughGate<Result>(
  services: Pick<Services, "gates" | "slots" | "preemptible">,
  { lane, place, ...work }: LaneWork<Result>,
): Promise<Result> {
  const demand = { ...work.demand, place };
  const gate = await services.gates.get(lane.name)?.acquire(demand);
  try {
    return await inSlot(services, { ...work, demand });
  } finally {
    gate?.release();
  }
}
