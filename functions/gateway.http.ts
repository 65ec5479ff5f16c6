import { app, type HttpMethod } from "@azure/functions";
import * as df from "durable-functions";
import { handleRequest } from "../shared/gateway/index.ts";
import { withoutFunctionKey } from "../shared/identity/index.ts";
import type { AppContext } from "./app-context.ts";
import { toGatewayRequest, toHttpResponse } from "./http-exchange.ts";
import { createJobEngine } from "./job-engine.ts";

const EVERY_METHOD: HttpMethod[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/** The gateway's door: every path and method that no other function takes. */
export function registerGateway({ owned, connections, authLevel }: AppContext): void {
  const { services } = owned;
  app.http("gateway", {
    route: "{*path}",
    methods: EVERY_METHOD,
    authLevel,
    extraInputs: services.jobs ? [df.input.durableClient()] : [],
    handler: async (request, context) => {
      const options = {
        connections,
        requestId: services.newId(),
        receivedAt: services.clock.now(),
      };
      const engine = services.jobs && createJobEngine(context);
      const asked = toGatewayRequest(request, context, options);
      const gatewayRequest =
        authLevel === "function" ? { ...asked, target: withoutFunctionKey(asked.target) } : asked;
      const response = await handleRequest(services, gatewayRequest, engine);
      return toHttpResponse(response, connections.find(context.invocationId));
    },
  });
}
