import { randomUUID } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { PriorityClass } from "../core/domain.ts";
import { FairShareBook, LeftRequests } from "../scheduling/index.ts";
import { Table } from "../storage/index.ts";
import { fairShareLedgerFailed } from "../telemetry/index.ts";
import type { CreateServicesOptions } from "./create-services.ts";
import type { FairShareServices } from "./enter-lane.ts";
import { createFairShareLedger } from "./fair-share-ledger.ts";
import { laneFor } from "./services.ts";

const FAIR_SHARE_TABLE = "gatewayFairShare";

/** Fair share across instances; opens no connection before the first request enters a lane. */
export function openFairShare(
  { settings, connections, lanes, emit }: CreateServicesOptions,
  clock: Clock,
): FairShareServices {
  const { storage } = connections;
  const { workers, role } = settings;
  const capacityOf = (priority: PriorityClass): number =>
    role === "stream" ? 0 : Math.min(workers, laneFor(lanes, priority).concurrency);
  const book = new FairShareBook({ clock, capacityOf });
  const left = new LeftRequests(clock);
  const ledger =
    storage &&
    createFairShareLedger({
      book,
      left,
      table: new Table(storage, FAIR_SHARE_TABLE),
      instanceId: randomUUID(),
      clock,
      onProblem: (error) => emit(fairShareLedgerFailed(error)),
    });
  return { book, left, ledger };
}
