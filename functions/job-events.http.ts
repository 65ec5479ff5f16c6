import { app } from "@azure/functions";
import { answering, followJobEvents } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";

/** `GET /jobs/{id}/events`: a job's changes of state as they happen. */
export function registerJobEvents({ owned, connections }: AppContext): void {
  const { services } = owned;
  app.http("jobEvents", {
    route: "jobs/{id}/events",
    methods: ["GET"],
    authLevel: "anonymous",
    handler: async (request, context) => {
      const requestId = services.newId();
      const receivedAt = services.clock.now();
      const { headers, target, closed } = toGatewayRequest(request, context, {
        connections,
        requestId,
        receivedAt,
      });
      const query = { id: request.params["id"] ?? "", headers, target, closed };
      const response = await answering(services, requestId, () => followJobEvents(services, query));
      return toHttpResponse(response, connections.find(context.invocationId));
    },
  });
}
