import { setImmediate as nextTurn } from "node:timers/promises";
import { app } from "@azure/functions";
import { loadConnections, loadSettings, shippedLanes } from "../shared/config/index.ts";
import { systemClock } from "../shared/core/clock.ts";
import { openEventLog, openTelemetry } from "../shared/exporters/index.ts";
import { createServices, instanceGauges, TrafficBoard } from "../shared/gateway/index.ts";
import { emitBehind, emitTo } from "../shared/telemetry/index.ts";
import type { AppContext } from "./app-context.ts";
import { registerBatchActivities } from "./batch.activities.ts";
import { registerBatchOrchestrator } from "./batch.orchestrator.ts";
import { consoleSink } from "./console-sink.ts";
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
import { registerJobSweep } from "./jobs.timer.ts";
import { registerLanes } from "./lanes.servicebus.ts";
import { registerMetrics } from "./metrics.http.ts";
import { registerOperations } from "./operations.http.ts";
import { registerOperationsPage } from "./operations-page.http.ts";
import { registerSubmissions } from "./submissions.servicebus.ts";
import { registerUsage } from "./usage.http.ts";
import { registerUsageCount } from "./usage.queue.ts";
import { registerWebhooks } from "./webhooks.servicebus.ts";

/**
 * The composition root: settings, then services, then triggers. Bad settings throw here, which keeps
 * the app from starting and shows every problem at once.
 */
const settings = loadSettings();
const telemetry = openTelemetry({ settings, clock: systemClock, random: Math.random });
const eventLog = openEventLog({
  settings,
  clock: systemClock,
  lost: telemetry.lost,
  print: (text) => void process.stdout.write(text),
});
const traffic = new TrafficBoard(systemClock);
const sinks = [consoleSink(settings.logLevel), traffic, ...telemetry.sinks, ...eventLog];
const emit = emitBehind(emitTo(sinks), setImmediate);
const owned = createServices({
  settings,
  connections: loadConnections(),
  lanes: shippedLanes(),
  emit,
  tracing: telemetry.tracing,
  traffic,
});
telemetry.observe(() => instanceGauges(owned.services));
/** How long an instance that ends goes on sending what it has to tell. */
const TELEMETRY_FLUSH_MS = 4000;
const context: AppContext = {
  owned,
  connections: new HttpConnections(),
  authLevel: settings.authentication.ways.has("function-key") ? "function" : "anonymous",
};

app.setup({ enableHttpStream: true });
registerHealth(context);
registerOperations(context);
registerOperationsPage();
registerMetrics(context, telemetry);
// Everywhere: asked at an app without jobs they say so, and nothing of it goes to a backend.
registerJobs(context);
registerJobEvents(context);
registerJobStream(context);
registerDeadLetters(context);
if (owned.services.jobs) {
  registerWebhooks(context);
  registerSubmissions(context);
  registerDeadLetterWatch(context);
  registerLanes(context);
  registerJobActivities(context);
  registerJobOrchestrator();
  registerBatchActivities(context);
  registerBatchOrchestrator();
  registerJobSweep(context);
  registerUsageCount(context);
}
if (owned.services.usage.ledger) registerUsage(context);
if (owned.services.idempotency) registerIdempotency(context);
registerGateway(context);
owned.start();
app.hook.appTerminate(async () => {
  owned.stop();
  await owned.close();
  // What its end was told of is told.
  await nextTurn();
  await Promise.all(eventLog.map((sink) => sink.close(TELEMETRY_FLUSH_MS / 2)));
  await telemetry.close(TELEMETRY_FLUSH_MS);
});
