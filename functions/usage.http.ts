import { app } from "@azure/functions";
import { readUsage } from "../shared/gateway/index.ts";
import { answeringHandler } from "./answering-handler.ts";
import type { AppContext } from "./app-context.ts";

/** What was used: by the caller, or by everybody for operators. `GET /usage` */
export function registerUsage(context: AppContext): void {
  const { services } = context.owned;
  app.http("usageRead", {
    route: "usage",
    methods: ["GET"],
    authLevel: context.authLevel,
    handler: answeringHandler(context, ({ request }) => readUsage(services, request)),
  });
}
