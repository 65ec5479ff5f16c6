import {
  app,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
import type { GatewayResponse } from "../shared/core/http.ts";
import {
  answering,
  type EventsQuery,
  followJobEvents,
  type RedeliverQuery,
  redeliverEvent,
  type Services,
} from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";

interface EventRoute {
  readonly name: string;
  readonly route: string;
  readonly method: HttpMethod;
  answer(services: Services, query: EventsQuery & RedeliverQuery): Promise<GatewayResponse>;
}

const ROUTES: readonly EventRoute[] = [
  { name: "jobEvents", route: "jobs/{id}/events", method: "GET", answer: followJobEvents },
  {
    name: "jobEventRedeliver",
    route: "jobs/{id}/events/{sequence}/redeliver",
    method: "POST",
    answer: redeliverEvent,
  },
];

/** A job's changes of state: as they happen, and once more for its webhooks. */
export function registerJobEvents(context: AppContext): void {
  for (const route of ROUTES) register(context, route);
}

function register({ owned, connections }: AppContext, event: EventRoute): void {
  const { services } = owned;
  const handler = async (
    request: HttpRequest,
    context: InvocationContext,
  ): Promise<HttpResponse | HttpResponseInit> => {
    const requestId = services.newId();
    const receivedAt = services.clock.now();
    const { headers, target, closed } = toGatewayRequest(request, context, {
      connections,
      requestId,
      receivedAt,
    });
    const { id = "", sequence = "" } = request.params;
    const query = { id, sequence, headers, target, closed };
    const response = await answering(services, requestId, () => event.answer(services, query));
    return toHttpResponse(response, connections.find(context.invocationId));
  };
  const { name, route, method } = event;
  app.http(name, { route, methods: [method], authLevel: "anonymous", handler });
}
