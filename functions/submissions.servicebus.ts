import { app, type InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { SERVICE_BUS_CONNECTION } from "../shared/config/index.ts";
import { runSubmission } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { createJobEngine } from "./job-engine.ts";

/** Jobs that come as messages instead of HTTP requests. */
export function registerSubmissions({ owned }: AppContext): void {
  const { services } = owned;
  app.serviceBusQueue("submissions", {
    connection: SERVICE_BUS_CONNECTION,
    queueName: services.lanes.submissions.queue,
    extraInputs: [df.input.durableClient()],
    handler: (message, context) =>
      runSubmission(services, delivery(message, context), createJobEngine(context)),
  });
}

type Properties = Record<string, string | number | boolean>;

function delivery(message: unknown, { triggerMetadata = {} }: InvocationContext) {
  const { messageId, correlationId, lockToken, applicationProperties } = triggerMetadata;
  return {
    message,
    messageId: String(messageId),
    correlationId: correlationId === undefined ? undefined : String(correlationId),
    lockToken: String(lockToken),
    enqueuedAt: epochOf(triggerMetadata["enqueuedTimeUtc"]),
    expiresAt: epochOf(triggerMetadata["expiresAtUtc"]),
    properties: (applicationProperties ?? {}) as Properties,
  };
}

/** A time of the trigger's metadata: UTC, which the extension writes without saying so. */
function epochOf(time: unknown): number {
  const text = String(time);
  return Date.parse(/Z$|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`);
}
