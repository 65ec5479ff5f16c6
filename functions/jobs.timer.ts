import { app } from "@azure/functions";
import * as df from "durable-functions";
import { sweepJobs } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { createJobArchive } from "./job-engine.ts";

// Jobs are kept for days: so often that what one sweep leaves behind never piles up.
const EVERY_TEN_MINUTES = "0 5/10 * * * *";

/** Lets jobs go, results and all, when they have been kept for long enough. */
export function registerJobSweep({ owned }: AppContext): void {
  app.timer("jobSweep", {
    schedule: EVERY_TEN_MINUTES,
    extraInputs: [df.input.durableClient()],
    handler: (_timer, context) => sweepJobs(owned.services, createJobArchive(context)),
  });
}
