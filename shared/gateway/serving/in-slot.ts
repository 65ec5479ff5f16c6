import type { Slot, SlotDemand, SlotRequest } from "../../scheduling/index.ts";
import type { Services } from "../services.ts";

type SlotServices = Pick<Services, "slots" | "preemptible">;

/** A slot in hand. */
export interface TakenSlot {
  readonly slot: Slot;
  /** Aborts when it is to be given up again; absent for work that never gives way. */
  readonly preempted?: AbortSignal;
}

/** Work that needs one of the instance's slots. */
export interface SlotWork<Result> {
  readonly demand: Omit<SlotRequest, "onPreempt">;
  /** A slot that is held already, for work that did not have to wait. */
  readonly freeSlot?: TakenSlot | undefined;
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
 * no attempt and no message by that, nor its place: it was let in once, and no full queue refuses it.
 */
export async function inSlot<Result>(
  services: SlotServices,
  { demand, freeSlot, run }: SlotWork<Result>,
): Promise<Result> {
  const { signal } = demand;
  let taken = freeSlot ?? (await waitForSlot(services, demand));
  for (;;) {
    const { slot, preempted } = taken;
    try {
      return await run(slot, preempted ? AbortSignal.any([signal, preempted]) : signal);
    } catch (error) {
      slot.release();
      if (!preempted?.aborted || signal.aborted) throw error;
    }
    taken = await waitForSlot(services, { ...demand, isLimited: false, place: slot.place });
  }
}

/** A slot that is free at once; undefined where none is, or others have waited for it. */
export function takeFreeSlot(
  { slots, preemptible }: SlotServices,
  demand: Omit<SlotDemand, "onPreempt">,
): TakenSlot | undefined {
  if (!preemptible.has(demand.priority)) {
    const slot = slots.tryAcquire(demand);
    return slot && { slot };
  }
  const { onPreempt, preempted } = preemption();
  const slot = slots.tryAcquire({ ...demand, onPreempt });
  return slot && { slot, preempted };
}

async function waitForSlot(
  { slots, preemptible }: SlotServices,
  demand: SlotWork<unknown>["demand"],
): Promise<TakenSlot> {
  if (!preemptible.has(demand.priority)) return { slot: await slots.acquire(demand) };
  const { onPreempt, preempted } = preemption();
  return { slot: await slots.acquire({ ...demand, onPreempt }), preempted };
}

function preemption() {
  const giveWay = new AbortController();
  return {
    onPreempt: (): void => giveWay.abort(new Preempted("The slot is needed.")),
    preempted: giveWay.signal,
  };
}
