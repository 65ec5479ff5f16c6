import { app } from "@azure/functions";
import { sweepIdempotency } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";

// Keys are due by the hour; so often that what one sweep leaves behind never piles up.
const EVERY_TEN_MINUTES = "0 */10 * * * *";

/** Lets idempotency keys and their answers go when their time is over. */
export function registerIdempotency({ owned }: AppContext): void {
  app.timer("idempotencySweep", {
    schedule: EVERY_TEN_MINUTES,
    handler: () => sweepIdempotency(owned.services),
  });
}
