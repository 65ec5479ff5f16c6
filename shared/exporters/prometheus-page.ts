import type { MetricReading } from "../telemetry/index.ts";
import { CUMULATIVE, toResourceMetrics } from "./resource-metrics.ts";
import { openResource } from "./targets.ts";

export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface PageFacts {
  readonly attributes: Record<string, string>;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly nowMs: number;
}

/** The metrics as Prometheus reads them. What writes them is loaded when somebody asks. */
export async function prometheusPage(
  readings: readonly MetricReading[],
  { attributes, startedAt: from, nowMs: to }: PageFacts,
): Promise<string> {
  const { PrometheusSerializer } = await import("@opentelemetry/exporter-prometheus");
  const resource = await openResource(attributes);
  const period = { resource, from, to, temporality: CUMULATIVE } as const;
  return new PrometheusSerializer().serialize(toResourceMetrics(readings, period));
}
