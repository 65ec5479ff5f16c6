import type { HttpHandler, HttpRequest, InvocationContext } from "@azure/functions";
import type { GatewayRequest, GatewayResponse } from "../shared/core/http.ts";
import { answering } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";

/** One call of a function of the gateway's own interface. */
export interface OwnCall {
  readonly request: GatewayRequest;
  /** What the route names. */
  readonly params: HttpRequest["params"];
  readonly context: InvocationContext;
}

/** The handler of a function that the gateway itself answers. It never throws: what goes wrong becomes the answer. */
export function answeringHandler(
  { owned, connections }: AppContext,
  answer: (call: OwnCall) => Promise<GatewayResponse>,
): HttpHandler {
  const { services } = owned;
  return async (httpRequest, context) => {
    const requestId = services.newId();
    const receivedAt = services.clock.now();
    const options = { connections, requestId, receivedAt };
    const request = toGatewayRequest(httpRequest, context, options);
    const call = { request, params: httpRequest.params, context };
    const response = await answering(services, requestId, () => answer(call));
    return toHttpResponse(response, connections.find(context.invocationId));
  };
}
