export { type Slot, SlotScheduler } from "./slot-scheduler.ts";
