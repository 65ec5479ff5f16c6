import { app } from "@azure/functions";
import { PROMETHEUS_TYPE, type Telemetry } from "../shared/exporters/index.ts";
import { readMetrics } from "../shared/gateway/index.ts";
import { answeringHandler } from "./answering-handler.ts";
import type { AppContext } from "./app-context.ts";

/** What one instance measures: `GET /metrics`. */
export function registerMetrics(context: AppContext, { read, page }: Telemetry): void {
  if (!read) return;
  const { services } = context.owned;
  app.http("metrics", {
    route: "metrics",
    methods: ["GET"],
    authLevel: context.authLevel,
    handler: answeringHandler(context, async ({ request }) =>
      readMetrics(services, request.headers, { read, page, pageType: PROMETHEUS_TYPE }),
    ),
  });
}
