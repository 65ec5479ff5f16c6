import type { Clock } from "../../core/clock.ts";
import type {
  ClassDemand,
  FairShareBook,
  LaneRelief,
  LeftRequests,
  QueueLoad,
  UserDemand,
} from "../../scheduling/index.ts";
import type { Table } from "../../storage/index.ts";
import { type InstanceFacts, InstanceRows } from "../instance-rows.ts";

export interface FairShareLedgerOptions {
  readonly book: FairShareBook;
  readonly left: LeftRequests;
  readonly relief: LaneRelief;
  readonly table: Table;
  readonly instanceId: string;
  readonly clock: Clock;
  /** Called when a round fails; the demand that was heard last stays in force. */
  onProblem(error: unknown): void;
}

/** One instance's demand, as its row has it. */
interface InstanceDemand extends InstanceFacts {
  readonly classes: readonly ClassDemand[];
  /** Requests whose clients have left while their messages were in lanes. */
  readonly left?: readonly string[];
  /** What waits in its hands, and what it has room for. */
  readonly queues?: readonly QueueLoad[];
}

const PARTITION = "fairShare";
// What an instance had that has not written for so long is gone with it.
const ALIVE_MS = 10_000;
// A row has room for a mebibyte, at two bytes a character.
// https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
const MAX_ROW_CHARACTERS = 480_000;

/**
 * Tells the instances who has how much of each class, with a delay of about a second, so that all of them
 * judge alike who is over their share, whose messages nobody waits for, and where a slot is free. Old
 * load is forgotten with the row that told it.
 */
export function createFairShareLedger(
  options: FairShareLedgerOptions,
): InstanceRows<InstanceDemand> {
  const { book, left, relief, ...rows } = options;
  return new InstanceRows<InstanceDemand>({
    ...rows,
    partition: PARTITION,
    forgetAfterMs: ALIVE_MS,
    tell(updatedAt) {
      const gone = left.local();
      const room = MAX_ROW_CHARACTERS - JSON.stringify(gone).length;
      const queues = relief.local();
      return { updatedAt, classes: fitting(book.local(), room), left: gone, queues };
    },
    hear(others) {
      book.replaceRemote(others.flatMap(({ classes }) => classes));
      left.replaceRemote(others.flatMap(({ left: gone = [] }) => gone));
      relief.hear(others.flatMap(({ queues = [] }) => queues));
    },
  });
}

/** As much as there is room for: users with least demand are left out first, for they are over no share. */
function fitting(classes: readonly ClassDemand[], characters: number): ClassDemand[] {
  const room = characters / Math.max(1, classes.length);
  return classes.map((demand) => {
    if (JSON.stringify(demand.users).length <= room) return demand;
    return { ...demand, users: firstOf(demand.users.toSorted(byDemand), room) };
  });
}

const byDemand = (a: UserDemand, b: UserDemand): number => b.demand - a.demand;

function firstOf(users: readonly UserDemand[], room: number): UserDemand[] {
  let length = 0;
  const tooMany = users.findIndex((user) => {
    length += JSON.stringify(user).length + 1;
    return length > room;
  });
  return users.slice(0, tooMany < 0 ? undefined : tooMany);
}
