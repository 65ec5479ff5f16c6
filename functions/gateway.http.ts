import { app, type HttpMethod } from "@azure/functions";
import * as df from "durable-functions";
import { handleRequest } from "../shared/gateway/index.ts";
import type { AppContext } from "./app-context.ts";
import { arrivedRequest } from "./arrived-request.ts";
import { toHttpResponse } from "./http-exchange.ts";
import { createJobEngine } from "./job-engine.ts";

const EVERY_METHOD: HttpMethod[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/** The gateway's door: every path and method that no other function takes. */
export function registerGateway(appContext: AppContext): void {
  const { owned, connections, authLevel } = appContext;
  const { services } = owned;
  app.http("gateway", {
    route: "{*path}",
    methods: EVERY_METHOD,
    authLevel,
    extraInputs: services.jobs ? [df.input.durableClient()] : [],
    handler: async (request, context) => {
      const engine = services.jobs && createJobEngine(context);
      const arrived = arrivedRequest(appContext, request, context);
      const response = await handleRequest(services, arrived, engine);
      return toHttpResponse(response, connections.find(context.invocationId));
    },
  });
}
