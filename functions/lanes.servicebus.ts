import { app, type InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { type Lane, runsHere, SERVICE_BUS_CONNECTION } from "../shared/config/index.ts";
import { runLaneMessage } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { createJobEngine } from "./job-engine.ts";

/** Which of a lane's two queues a worker function serves. */
interface LaneQueue {
  readonly lane: Lane;
  readonly queue: string;
}

/** One worker function a queue, two a lane: each scales, and is kept always ready, by itself. */
export function registerLanes(context: AppContext): void {
  for (const lane of context.owned.services.lanes.lanes) {
    registerQueue(context, functionName(lane), { lane, queue: lane.queue });
    registerQueue(context, `${functionName(lane)}Over`, { lane, queue: lane.overQueue });
  }
}

function registerQueue({ owned }: AppContext, name: string, source: LaneQueue): void {
  if (runsHere(name)) owned.services.fairShare.relief.serve(source.queue);
  app.serviceBusQueue(name, {
    connection: SERVICE_BUS_CONNECTION,
    queueName: source.queue,
    extraInputs: [df.input.durableClient()],
    handler: (message, context) =>
      runLaneMessage(owned.services, delivery(source, message, context), createJobEngine(context)),
  });
}

const functionName = ({ name }: Lane): string =>
  `lane${name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}`;

function delivery(source: LaneQueue, message: unknown, { triggerMetadata }: InvocationContext) {
  return {
    ...source,
    message,
    messageId: String(triggerMetadata?.["messageId"]),
    deliveryCount: Number(triggerMetadata?.["deliveryCount"] ?? 1),
    properties: triggerMetadata?.["applicationProperties"] as Record<string, unknown> | undefined,
  };
}
