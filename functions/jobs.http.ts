import {
  app,
  type HttpRequest,
  type HttpResponse,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
import type { GatewayResponse } from "../shared/core/http.ts";
import {
  answering,
  type JobQuery,
  readJob,
  readJobResult,
  type Services,
} from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";

type ReadJob = (services: Services, query: JobQuery) => Promise<GatewayResponse>;

/** The job API: `GET /jobs/{id}` and `GET /jobs/{id}/result`. */
export function registerJobs(context: AppContext): void {
  register(context, { name: "jobStatus", route: "jobs/{id}", read: readJob });
  register(context, { name: "jobResult", route: "jobs/{id}/result", read: readJobResult });
}

function register(
  { owned, connections }: AppContext,
  { name, route, read }: { name: string; route: string; read: ReadJob },
): void {
  const { services } = owned;
  const handler = async (
    request: HttpRequest,
    context: InvocationContext,
  ): Promise<HttpResponse | HttpResponseInit> => {
    const requestId = services.newId();
    const receivedAt = services.clock.now();
    const { headers, target } = toGatewayRequest(request, context, {
      connections,
      requestId,
      receivedAt,
    });
    const query = { id: request.params["id"] ?? "", headers, target };
    const response = await answering(services, requestId, () => read(services, query));
    return toHttpResponse(response, connections.find(context.invocationId));
  };
  app.http(name, { route, methods: ["GET"], authLevel: "anonymous", handler });
}
