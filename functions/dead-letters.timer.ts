import { app } from "@azure/functions";
import * as df from "durable-functions";
import { DeadLetterWatch } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { createJobEngine } from "./job-engine.ts";

/** Ends jobs and requests whose messages are among the dead letters, and whom no worker could tell. */
export function registerDeadLetterWatch({ owned }: AppContext): void {
  const { services } = owned;
  const watch = new DeadLetterWatch();
  app.timer("deadLetterWatch", {
    schedule: services.settings.deadLetterSchedule,
    extraInputs: [df.input.durableClient()],
    handler: (_timer, context) => watch.sweep(services, createJobEngine(context)),
  });
}
