import {
  app,
  type HttpRequest,
  type HttpResponse,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
import { answering, readJobStream } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";

/** `GET /jobs/{id}/stream`: the job's event stream, live. */
export function registerJobStream({ owned, connections }: AppContext): void {
  const { services } = owned;
  const handler = async (
    request: HttpRequest,
    context: InvocationContext,
  ): Promise<HttpResponse | HttpResponseInit> => {
    const requestId = services.newId();
    const receivedAt = services.clock.now();
    const exchange = { connections, requestId, receivedAt };
    const { headers, target, closed } = toGatewayRequest(request, context, exchange);
    const query = { id: request.params["id"] ?? "", headers, target, closed };
    const response = await answering(services, requestId, () => readJobStream(services, query));
    return toHttpResponse(response, connections.find(context.invocationId));
  };
  app.http("jobStream", {
    route: "jobs/{id}/stream",
    methods: ["GET"],
    authLevel: "anonymous",
    handler,
  });
}
