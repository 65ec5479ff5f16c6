import { app, type HttpMethod, type HttpRequest } from "@azure/functions";
import type { GatewayResponse } from "../shared/core/http.ts";
import {
  answering,
  type DeadLettersQuery,
  listDeadLetters,
  type Services,
  settleDeadLetters,
} from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";

interface Asked extends DeadLettersQuery {
  readonly queue: string;
  readonly sequenceNumber: string | undefined;
}

interface Route {
  readonly name: string;
  readonly route: string;
  readonly method: HttpMethod;
  readonly answer: (services: Services, asked: Asked) => Promise<GatewayResponse>;
}

const ALL = "operations/dead-letters";
const ONE = `${ALL}/{queue}/{sequenceNumber}`;

const redrive: Route["answer"] = (services, asked) =>
  settleDeadLetters(services, { ...asked, action: "redrive" });
const discard: Route["answer"] = (services, asked) =>
  settleDeadLetters(services, { ...asked, action: "discard" });

const ROUTES: readonly Route[] = [
  { name: "deadLetterList", route: ALL, method: "GET", answer: listDeadLetters },
  { name: "deadLetterRedrive", route: `${ONE}/redrive`, method: "POST", answer: redrive },
  { name: "deadLetterDiscard", route: ONE, method: "DELETE", answer: discard },
  { name: "deadLettersRedrive", route: `${ALL}/{queue}/redrive`, method: "POST", answer: redrive },
  { name: "deadLettersDiscard", route: `${ALL}/{queue}`, method: "DELETE", answer: discard },
];

/** What operators may see of the dead letters, and do with them. */
export function registerDeadLetters(context: AppContext): void {
  for (const route of ROUTES) register(context, route);
}

function register(
  { owned, connections }: AppContext,
  { name, route, method, answer }: Route,
): void {
  const { services } = owned;
  app.http(name, {
    route,
    methods: [method],
    authLevel: "anonymous",
    handler: async (request, context) => {
      const requestId = services.newId();
      const options = { connections, requestId, receivedAt: services.clock.now() };
      const { headers, target } = toGatewayRequest(request, context, options);
      const asked = { headers, target, ...placeOf(request) };
      const response = await answering(services, requestId, () => answer(services, asked));
      return toHttpResponse(response, connections.find(context.invocationId));
    },
  });
}

const placeOf = ({ params }: HttpRequest): Pick<Asked, "queue" | "sequenceNumber"> => ({
  queue: params["queue"] ?? "",
  sequenceNumber: params["sequenceNumber"],
});
