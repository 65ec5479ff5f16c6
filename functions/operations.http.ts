import { app } from "@azure/functions";
import { readReceipt, readStatus } from "../shared/gateway/index.ts";
import { answeringHandler } from "./answering-handler.ts";
import type { AppContext } from "./app-context.ts";

/** What operators may ask of one instance: `GET /operations/status` and `/operations/requests/{id}`. */
export function registerOperations(context: AppContext): void {
  const { services } = context.owned;
  app.http("operationsStatus", {
    route: "operations/status",
    methods: ["GET"],
    authLevel: context.authLevel,
    handler: answeringHandler(context, async ({ request }) =>
      readStatus(services, request.headers, request.target),
    ),
  });
  app.http("operationsRequest", {
    route: "operations/requests/{id}",
    methods: ["GET"],
    authLevel: context.authLevel,
    handler: answeringHandler(context, ({ request: { headers }, params: { id = "" } }) =>
      readReceipt(services, { requestId: id, headers }),
    ),
  });
}
