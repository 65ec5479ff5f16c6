import type { PriorityClass } from "../core/domain.ts";
import type { Outlook } from "./forecast.ts";
import type { LoadCount } from "./load-count.ts";

/** One class's part of a snapshot. */
export interface ClassSnapshot {
  readonly priority: PriorityClass;
  readonly waiting: number;
  readonly running: number;
  readonly reserved: number;
  /** How long the one who has waited longest has done so; 0 when nobody waits. */
  readonly oldestWaitMs: number;
  /** Since the start, as are the next two. */
  readonly grants: number;
  /** Grants that were made to keep the class's guarantee. */
  readonly trickleGrants: number;
  /** Holders that were asked to give way. */
  readonly preemptions: number;
  /** Mean time that a slot was held lately; undefined before one was given back. */
  readonly serviceMs: number | undefined;
}

/** What telemetry shows of a scheduler. */
export interface SchedulerSnapshot {
  readonly capacity: number;
  readonly running: number;
  readonly waiting: number;
  /** Users with a waiting or running request. */
  readonly users: number;
  /** Accounts of users and groups in memory, over all classes. */
  readonly remembered: number;
  /** Milliseconds between grants while somebody waits. */
  readonly grantIntervalMs: number | undefined;
  /** Most urgent first. */
  readonly classes: readonly ClassSnapshot[];
}

/** Looks once at everything: O(users). */
export function takeSnapshot(
  { pool, meter, nowMs }: Outlook,
  { waiting, users }: { waiting: number; users: LoadCount },
): SchedulerSnapshot {
  return {
    capacity: pool.capacity,
    running: pool.running,
    waiting,
    users: users.size,
    remembered: pool.classes.reduce((sum, band) => sum + band.remembered, 0),
    grantIntervalMs: meter.intervalMs(nowMs),
    classes: pool.classes.map((band) => ({
      priority: band.priority,
      waiting: band.waiting,
      running: band.running,
      reserved: band.reserved,
      oldestWaitMs: Math.max(0, nowMs - (band.oldestEnqueuedAt ?? nowMs)),
      grants: band.grants,
      trickleGrants: band.trickleGrants,
      preemptions: band.preemptions,
      serviceMs: meter.serviceMs(band.priority),
    })),
  };
}
