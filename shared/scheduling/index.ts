export type { Caller } from "./band.ts";
export type { UserDemand } from "./class-standing.ts";
export type { Slot, SlotDemand, SlotRequest } from "./entry.ts";
export { FairScheduler, type FairSchedulerOptions, retryAfterWait } from "./fair-scheduler.ts";
export {
  type ClassDemand,
  type DemandHold,
  FairShareBook,
  type LaneJudgement,
} from "./fair-share-book.ts";
export { type HeapNode, IndexedHeap } from "./indexed-heap.ts";
export { HandedBack, LaneRelief, type LaneWait, type QueueLoad } from "./lane-relief.ts";
export { LeftRequests } from "./left-requests.ts";
export { type QueuePlace, QueuePlaces } from "./queue-places.ts";
export type { SchedulerSnapshot } from "./scheduler-snapshot.ts";
export { defaultTrickle } from "./trickle.ts";
export type { Weights } from "./weights.ts";
