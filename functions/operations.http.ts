import { app } from "@azure/functions";
import { answering, readStatus } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";

/** What operators may ask of one instance: `GET /operations/status`. */
export function registerOperations({ owned, connections }: AppContext): void {
  const { services } = owned;
  app.http("operationsStatus", {
    route: "operations/status",
    methods: ["GET"],
    authLevel: "anonymous",
    handler: async (request, context) => {
      const requestId = services.newId();
      const options = { connections, requestId, receivedAt: services.clock.now() };
      const { headers } = toGatewayRequest(request, context, options);
      const response = await answering(services, requestId, () => readStatus(services, headers));
      return toHttpResponse(response, connections.find(context.invocationId));
    },
  });
}
