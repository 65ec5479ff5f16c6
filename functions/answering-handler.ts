import type { HttpHandler, HttpRequest, InvocationContext } from "@azure/functions";
import type { GatewayRequest, GatewayResponse } from "../shared/core/http.ts";
import { answering } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { arrivedRequest } from "./arrived-request.ts";
import { toHttpResponse } from "./http-exchange.ts";

/** One call of a function of the gateway's own interface. */
export interface OwnCall {
  readonly request: GatewayRequest;
  /** What the route names. */
  readonly params: HttpRequest["params"];
  readonly context: InvocationContext;
}

/** The handler of a function that the gateway itself answers. It never throws: what goes wrong becomes the answer. */
export function answeringHandler(
  appContext: AppContext,
  answer: (call: OwnCall) => Promise<GatewayResponse>,
): HttpHandler {
  const { owned, connections } = appContext;
  return async (httpRequest, context) => {
    const request = arrivedRequest(appContext, httpRequest, context);
    const call = { request, params: httpRequest.params, context };
    const response = await answering(owned.services, request.id, () => answer(call));
    return toHttpResponse(response, connections.find(context.invocationId));
  };
}
