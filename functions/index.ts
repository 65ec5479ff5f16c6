import { app } from "@azure/functions";
import { loadConnections, loadSettings, shippedLanes } from "../shared/config/index.ts";
import { createServices } from "../shared/gateway/index.ts";
import { heard, type TelemetryEvent } from "../shared/telemetry/index.ts";
import type { AppContext } from "./app-context.ts";
import { registerBatchActivities } from "./batch.activities.ts";
import { registerBatchOrchestrator } from "./batch.orchestrator.ts";
import { registerDeadLetters } from "./dead-letters.http.ts";
import { registerDeadLetterWatch } from "./dead-letters.timer.ts";
import { registerGateway } from "./gateway.http.ts";
import { registerHealth } from "./health.http.ts";
import { HttpConnections } from "./http-connections.ts";
import { registerIdempotency } from "./idempotency.timer.ts";
import { registerJobActivities } from "./job.activities.ts";
import { registerJobOrchestrator } from "./job.orchestrator.ts";
import { registerJobEvents } from "./job-events.http.ts";
import { registerJobStream } from "./job-stream.http.ts";
import { registerJobs } from "./jobs.http.ts";
import { registerJobResumption, registerJobSweep } from "./jobs.timer.ts";
import { registerLanes } from "./lanes.servicebus.ts";
import { registerOperations } from "./operations.http.ts";
import { registerSubmissions } from "./submissions.servicebus.ts";
import { registerWebhooks } from "./webhooks.servicebus.ts";

/**
 * The composition root: settings, then services, then triggers. Bad settings throw here, which keeps
 * the app from starting and shows every problem at once.
 */
const settings = loadSettings();
const LEVELS = { Information: 0, Warning: 1, Error: 2 } as const;
const RANKS = { info: 0, warning: 1, error: 2 } as const;
const emit = (event: TelemetryEvent): void => {
  if (RANKS[event.level] < LEVELS[settings.logLevel]) return;
  const stream = event.level === "error" ? process.stderr : process.stdout;
  stream.write(`${JSON.stringify(heard(event))}\n`);
};
const owned = createServices({
  settings,
  connections: loadConnections(),
  lanes: shippedLanes(),
  emit,
});
const context: AppContext = {
  owned,
  connections: new HttpConnections(),
  authLevel: settings.authentication.ways.has("function-key") ? "function" : "anonymous",
};

app.setup({ enableHttpStream: true });
registerHealth(context);
registerOperations(context);
if (owned.services.jobs) {
  registerJobs(context);
  registerJobEvents(context);
  registerJobStream(context);
  registerWebhooks(context);
  registerSubmissions(context);
  registerDeadLetters(context);
  registerDeadLetterWatch(context);
  registerLanes(context);
  registerJobActivities(context);
  registerJobOrchestrator();
  registerBatchActivities(context);
  registerBatchOrchestrator();
  registerJobSweep(context);
  registerJobResumption(context);
}
if (owned.services.idempotency) registerIdempotency(context);
registerGateway(context);
owned.start();
app.hook.appTerminate(async () => {
  owned.stop();
  await owned.close();
});
