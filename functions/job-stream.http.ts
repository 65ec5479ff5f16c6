import { app } from "@azure/functions";
import { readJobStream } from "../shared/gateway/index.ts";
import { answeringHandler } from "./answering-handler.ts";
import type { AppContext } from "./app-context.ts";

/** `GET /jobs/{id}/stream`: the job's event stream, live. */
export function registerJobStream(context: AppContext): void {
  const { services } = context.owned;
  app.http("jobStream", {
    route: "jobs/{id}/stream",
    methods: ["GET"],
    authLevel: context.authLevel,
    handler: answeringHandler(context, ({ request, params: { id = "" } }) => {
      const { headers, target, closed } = request;
      return readJobStream(services, { id, headers, target, closed });
    }),
  });
}
