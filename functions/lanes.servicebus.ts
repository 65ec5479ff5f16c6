import { app, type InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { type Lane, SERVICE_BUS_CONNECTION } from "../shared/config/index.ts";
import { runLaneMessage } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { createJobEngine } from "./job-engine.ts";

/** One worker function a lane: each scales, and is kept always ready, by itself. */
export function registerLanes(context: AppContext): void {
  for (const lane of context.owned.services.lanes.lanes) registerLane(context, lane);
}

function registerLane({ owned }: AppContext, lane: Lane): void {
  app.serviceBusQueue(functionName(lane), {
    connection: SERVICE_BUS_CONNECTION,
    queueName: lane.queue,
    extraInputs: [df.input.durableClient()],
    handler: (message, context) =>
      runLaneMessage(owned.services, delivery(lane, message, context), createJobEngine(context)),
  });
}

const functionName = ({ name }: Lane): string =>
  `lane${name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}`;

function delivery(lane: Lane, message: unknown, { triggerMetadata }: InvocationContext) {
  return {
    lane,
    message,
    messageId: String(triggerMetadata?.["messageId"]),
    deliveryCount: Number(triggerMetadata?.["deliveryCount"] ?? 1),
  };
}
