import { randomUUID } from "node:crypto";
import type { Lane, Lanes, Settings, StorageConnection } from "../../config/index.ts";
import type { Clock } from "../../core/clock.ts";
import type { PriorityClass, Random } from "../../core/domain.ts";
import { FairShareBook, LaneRelief, LeftRequests } from "../../scheduling/index.ts";
import { Table } from "../../storage/index.ts";
import { type Emit, fairShareLedgerFailed } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import type { FairShareServices } from "./enter-lane.ts";
import { createFairShareLedger } from "./fair-share-ledger.ts";
import { laneFor } from "./lane-for.ts";

const FAIR_SHARE_TABLE = "gatewayFairShare";

interface FairShareOptions {
  readonly settings: Pick<Settings, "workers" | "role">;
  readonly lanes: Lanes;
  readonly storage: StorageConnection | undefined;
  readonly emit: Emit;
}

interface FairShareMeans extends Pick<Services, "slots" | "gates" | "stopping"> {
  readonly clock: Clock;
  readonly random: Random;
}

/** Fair share across instances; opens no connection before the first request enters a lane. */
export function openFairShare(
  { settings, storage, lanes, emit }: FairShareOptions,
  { clock, random, ...places }: FairShareMeans,
): FairShareServices {
  const { workers, role } = settings;
  const capacityOf = (priority: PriorityClass): number =>
    role === "stream" ? 0 : Math.min(workers, laneFor(lanes, priority).concurrency);
  const book = new FairShareBook({ clock, capacityOf });
  const left = new LeftRequests(clock);
  const relief = openRelief(lanes, { random, ...places });
  const ledger =
    storage &&
    createFairShareLedger({
      book,
      left,
      relief,
      table: new Table(storage, FAIR_SHARE_TABLE),
      instanceId: randomUUID(),
      clock,
      onProblem: (error) => emit(fairShareLedgerFailed(error)),
    });
  return { book, left, relief, ledger };
}

function openRelief(
  { lanes }: Lanes,
  { random, ...places }: Omit<FairShareMeans, "clock">,
): LaneRelief {
  const urgentFirst = lanes.toSorted((a, b) => a.priority - b.priority);
  const laneOf = new Map(
    urgentFirst.flatMap((lane) => [lane.queue, lane.overQueue].map((queue) => [queue, lane])),
  );
  return new LaneRelief({
    queues: [...laneOf.keys()],
    spareOf(queue) {
      const lane = laneOf.get(queue);
      return lane ? spareIn(places, lane) : 0;
    },
    random,
  });
}

/** How many more messages of a lane would have a slot at once. */
function spareIn(
  { slots, gates, stopping }: Omit<FairShareMeans, "clock" | "random">,
  { name, priority }: Lane,
): number {
  // What an instance takes that is about to end, it gives back.
  if (stopping.aborted) return 0;
  const gate = gates.get(name);
  const behindGate = gate ? gate.capacity - gate.running : Number.POSITIVE_INFINITY;
  return Math.min(slots.spareFor(priority), behindGate);
}
