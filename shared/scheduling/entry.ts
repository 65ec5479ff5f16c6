import type { PriorityClass } from "../core/domain.ts";
import type { Flow } from "./flow.ts";

/** One request on its way through the scheduler: waiting first, then holding a slot. */
export interface Entry {
  /** Arrival number; breaks ties, so that equals keep their order. */
  readonly number: number;
  readonly priority: PriorityClass;
  readonly userId: string;
  readonly groupId: string | undefined;
  /** What the user is charged when the entry is granted. */
  readonly cost: number;
  readonly enqueuedAt: number;
  readonly expiresAt: number;
  readonly signal: AbortSignal | undefined;
  /** Its place when it came; 0 when a slot was free. */
  readonly position: number;
  readonly onPreempt: (() => void) | undefined;
  /** See {@link SlotRequest}. */
  readonly isOver: boolean;
  /** Hands it the slot. Runs none of the caller's code before the scheduler's state is settled. */
  readonly grant: (slot: Slot) => void;
  /** Tells it that it was too late when its turn came. */
  readonly refuse: () => void;
  /** The flows that are charged for it, outermost first: user, or group and user. Set by its band. */
  path: readonly Flow[];
  /** Neighbours in its user's line; kept by the line. */
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** One of an instance's slots; whoever holds it calls a backend. */
export interface Slot {
  /** How long its request waited for it. */
  readonly waitedMs: number;
  /** The request's place in the queue when it came: 1 is next, 0 did not wait. */
  readonly position: number;
  /** The request's number in the order of arrival; one that comes again keeps its place by it. */
  readonly place: number;
  /**
   * Gives the slot back; calling it again does nothing. The user is charged `actualCost` in place of
   * the estimate; without it the estimate stands, and a preempted holder is charged nothing.
   */
  release(actualCost?: number): void;
  /** Says that the first byte went out: from now on the holder is not preempted. */
  delivered(): void;
}

/** What a caller asks a slot for. */
export interface SlotRequest {
  readonly priority: PriorityClass;
  /** Leaves the queue when it aborts; `acquire` then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Whether the queue's limit applies; work that was already accepted elsewhere is not refused again. */
  readonly isLimited: boolean;
  /** Whose share is used. Callers without a name share one. */
  readonly userId?: string | undefined;
  /** The group within which the user has a share; without it the user stands beside the groups. */
  readonly groupId?: string | undefined;
  /** Estimated cost in any unit, the same for all (requests, tokens); 1 unless given. */
  readonly cost?: number | undefined;
  /** Epoch milliseconds after which it gets no slot, even when the signal's timer is late. */
  readonly expiresAt?: number | undefined;
  /** Its caller is over their share as far as all instances together know. */
  readonly isOver?: boolean | undefined;
  /** The place of a slot that it had before: it comes again, before those that came after it. */
  readonly place?: number | undefined;
  /** Aborts the work and releases the slot within milliseconds; without it the holder is not preempted. */
  readonly onPreempt?: (() => void) | undefined;
}

/** A request, without what only those need that wait. */
export type SlotDemand = Omit<SlotRequest, "signal" | "isLimited"> & {
  readonly signal?: AbortSignal;
};

/** The user whose share all callers without a name have together. */
export const ANONYMOUS = "";
