import { app } from "@azure/functions";
import { STORAGE_CONNECTION } from "../shared/config/index.ts";
import { countUsage, sweepUsage, USAGE_QUEUE } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";

// Markers are due by the day; at an hour at which little is asked.
const DAILY = "0 20 3 * * *";

/** Counts usage events into the ledger. A message that fails comes again, and after that to the poison queue. */
export function registerUsageCount({ owned }: AppContext): void {
  const { services } = owned;
  app.storageQueue("usage", {
    connection: STORAGE_CONNECTION,
    queueName: USAGE_QUEUE,
    handler: (message) => countUsage(services, message),
  });
  app.timer("usageSweep", { schedule: DAILY, handler: () => sweepUsage(services) });
}
