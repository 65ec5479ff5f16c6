import { app } from "@azure/functions";
import { SERVICE_BUS_CONNECTION } from "../shared/config/index.ts";
import { deliverWebhook } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";

/** Delivers webhooks: one message is one event for one receiver. */
export function registerWebhooks({ owned }: AppContext): void {
  const { services } = owned;
  app.serviceBusQueue("webhooks", {
    connection: SERVICE_BUS_CONNECTION,
    queueName: services.lanes.webhooks.queue,
    handler: (message) => deliverWebhook(services, message),
  });
}
