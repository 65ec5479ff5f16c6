import { app, type HttpMethod } from "@azure/functions";
import type { GatewayResponse } from "../shared/core/http.ts";
import {
  type EventsQuery,
  followJobEvents,
  type RedeliverQuery,
  redeliverEvent,
  type Services,
} from "../shared/gateway/index.ts";
import { answeringHandler } from "./answering-handler.ts";
import type { AppContext } from "./app-context.ts";

interface EventRoute {
  readonly name: string;
  readonly route: string;
  readonly method: HttpMethod;
  readonly answer: (
    services: Services,
    query: EventsQuery & RedeliverQuery,
  ) => Promise<GatewayResponse>;
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

function register(context: AppContext, { name, route, method, answer }: EventRoute): void {
  const { services } = context.owned;
  app.http(name, {
    route,
    methods: [method],
    authLevel: context.authLevel,
    handler: answeringHandler(context, ({ request, params: { id = "", sequence = "" } }) => {
      const { headers, target, closed } = request;
      return answer(services, { id, sequence, headers, target, closed });
    }),
  });
}
