import { type HeaderList, headerValue } from "../../core/headers.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import type { MetricReading } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import { requireOperator } from "./require-operator.ts";

/** The instance's metrics, and how they are written. */
export interface MetricsSource {
  read(): readonly MetricReading[];
  /** As Prometheus reads them. */
  page(): Promise<string>;
  readonly pageType: string;
}

const NOT_KEPT = [["cache-control", "no-store"]] as const;

/** Shows an instance's metrics, as JSON to who asks for that, to operators or, by a setting, to all. */
export async function readMetrics(
  services: Services,
  headers: HeaderList,
  { read, page, pageType }: MetricsSource,
): Promise<GatewayResponse> {
  if (!services.settings.telemetry.isMetricsPageOpen) await requireOperator(services, headers);
  if (headerValue(headers, "accept")?.includes("application/json")) {
    return jsonResponse(200, read().map(toJson));
  }
  const body = Buffer.from(await page());
  return {
    status: 200,
    headers: [["content-type", pageType], ["content-length", String(body.byteLength)], ...NOT_KEPT],
    body,
  };
}

const toJson = ({ definition, points }: MetricReading): object => {
  const { name, kind, unit } = definition;
  return { name, kind, unit, points };
};
