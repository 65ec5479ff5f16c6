import type { Slot, SlotRequest } from "../../scheduling/index.ts";
import type { Services } from "../services.ts";

/** Work that needs one of the instance's slots. */
export interface SlotWork<Result> {
  readonly demand: Omit<SlotRequest, "onPreempt">;
  /** A slot that is held already, for work that did not have to wait. */
  readonly freeSlot?: Slot | undefined;
  /**
   * Does the work, and owns the slot from the moment it resolves; when it throws, the slot is given
   * back for it. The signal also aborts when the work has to give way.
   */
  run(slot: Slot, signal: AbortSignal): Promise<Result>;
}

class Preempted extends Error {
  override readonly name = "Preempted";
}

/**
 * Runs work in a slot. Work of a preemptible class that has delivered nothing may have to give way to
 * more urgent work: its call is aborted, its slot passed on, and it waits for its turn again. It loses
 * no attempt and no message by that.
 */
export async function inSlot<Result>(
  services: Pick<Services, "slots" | "preemptible">,
  work: SlotWork<Result>,
): Promise<Result> {
  const { demand } = work;
  if (!services.preemptible.has(demand.priority)) {
    const slot = work.freeSlot ?? (await services.slots.acquire(demand));
    return await runIn(slot, work, demand.signal);
  }
  for (let held = work.freeSlot; ; held = undefined) {
    const preempted = new AbortController();
    const onPreempt = (): void => preempted.abort(new Preempted("The slot is needed."));
    const slot = held ?? (await services.slots.acquire({ ...demand, onPreempt }));
    try {
      return await runIn(slot, work, AbortSignal.any([demand.signal, preempted.signal]));
    } catch (error) {
      if (!preempted.signal.aborted || demand.signal.aborted) throw error;
    }
  }
}

async function runIn<Result>(
  slot: Slot,
  { run }: SlotWork<Result>,
  signal: AbortSignal,
): Promise<Result> {
  try {
    return await run(slot, signal);
  } catch (error) {
    slot.release();
    throw error;
  }
}
