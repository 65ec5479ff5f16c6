import type { PriorityClass } from "../../core/domain.ts";
import type {
  Caller,
  DemandHold,
  FairShareBook,
  LaneJudgement,
  LaneRelief,
  LeftRequests,
} from "../../scheduling/index.ts";
import type { InstanceRows } from "../instance-rows.ts";
import type { Services } from "../services.ts";
import { laneFor } from "./lane-for.ts";

/** What fair share across instances needs. Scope: per instance. */
export interface FairShareServices {
  readonly book: FairShareBook;
  readonly left: LeftRequests;
  /** Which of the messages that wait here go where a slot is free. */
  readonly relief: LaneRelief;
  /** Tells the other instances; absent without storage, and each then judges by itself. */
  readonly ledger: Pick<InstanceRows<never>, "start" | "close"> | undefined;
}

/** A request on its way into a lane. */
export interface LaneEntry {
  readonly queue: string;
  readonly judgement: LaneJudgement;
  /** Counts the request as its caller's demand until released. */
  readonly hold: DemandHold;
}

/** Chooses the lane's queue for a caller's request by what the caller has there already. */
export function enterLane(
  { fairShare, lanes }: Pick<Services, "fairShare" | "lanes">,
  priority: PriorityClass,
  caller: Caller,
): LaneEntry {
  const { book, ledger } = fairShare;
  ledger?.start();
  const lane = laneFor(lanes, priority);
  const judgement = book.judge(lane.priority, caller);
  return {
    queue: judgement.isOver ? lane.overQueue : lane.queue,
    judgement,
    hold: book.hold(lane.priority, caller, judgement),
  };
}
