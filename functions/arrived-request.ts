import type { HttpRequest, InvocationContext } from "@azure/functions";
import type { GatewayRequest } from "../shared/core/http.ts";
import { withoutFunctionKey } from "../shared/identity/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest } from "./http-exchange.ts";

/** The gateway's view of a call that comes now. A key of the function was for the platform, and goes no further. */
export function arrivedRequest(
  { owned: { services }, connections, authLevel }: AppContext,
  httpRequest: HttpRequest,
  context: InvocationContext,
): GatewayRequest {
  const request = toGatewayRequest(httpRequest, context, {
    connections,
    requestId: services.newId(),
    receivedAt: services.clock.now(),
  });
  if (authLevel === "anonymous") return request;
  return { ...request, target: withoutFunctionKey(request.target) };
}
