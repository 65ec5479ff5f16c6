import type { Resource } from "@opentelemetry/resources";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { AzureMonitorSettings } from "../config/index.ts";
import { identityCredential } from "../connections/index.ts";
import { CUMULATIVE, DELTA } from "./resource-metrics.ts";

/** As much of OpenTelemetry's exporters as is used. */
interface Exporter<Data> {
  export(data: Data, done: (result: { code: number; error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

export type SpanExporter = Exporter<ReadableSpan[]>;
export type MetricExporter = Exporter<ResourceMetrics> & {
  readonly temporality: typeof DELTA | typeof CUMULATIVE;
};

const SUCCESS = 0;

/** Exports, or rejects with what the exporter says went wrong. */
export function exported<Data>(exporter: Exporter<Data>, data: Data): Promise<void> {
  return new Promise((resolve, reject) => {
    exporter.export(data, ({ code, error }) =>
      code === SUCCESS ? resolve() : reject(error ?? new Error("It was not taken.")),
    );
  });
}

/** A resource of these attributes. Every target needs one, and loads OpenTelemetry for it. */
export async function openResource(attributes: Record<string, string>): Promise<Resource> {
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  return resourceFromAttributes(attributes);
}

interface OtlpTarget {
  readonly url: string;
  readonly timeoutMs: number;
}

/** Loads what sends spans to an OTLP receiver. */
export async function openOtlpSpans({ url, timeoutMs }: OtlpTarget): Promise<SpanExporter> {
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  return new OTLPTraceExporter({ url, timeoutMillis: timeoutMs });
}

/** Loads what sends metrics to an OTLP receiver, each as its sum since the start. */
export async function openOtlpMetrics({ url, timeoutMs }: OtlpTarget): Promise<MetricExporter> {
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-http");
  const exporter = new OTLPMetricExporter({ url, timeoutMillis: timeoutMs });
  return Object.assign(exporter, { temporality: CUMULATIVE } as const);
}

/** Loads what sends spans to Application Insights. */
export async function openAzureSpans(settings: AzureMonitorSettings): Promise<SpanExporter> {
  const { AzureMonitorTraceExporter } = await import("@azure/monitor-opentelemetry-exporter");
  return new AzureMonitorTraceExporter(await azureOptions(settings));
}

/** Loads what sends metrics to Application Insights, each as what came since the last time. */
export async function openAzureMetrics(settings: AzureMonitorSettings): Promise<MetricExporter> {
  const { AzureMonitorMetricExporter } = await import("@azure/monitor-opentelemetry-exporter");
  const exporter = new AzureMonitorMetricExporter(await azureOptions(settings));
  return Object.assign(exporter, { temporality: DELTA } as const);
}

async function azureOptions({ connectionString, isByIdentity, clientId }: AzureMonitorSettings) {
  // Buffers are ours, and bounded; a file of telemetry on an instance that may vanish helps nobody.
  const options = { connectionString, disableOfflineStorage: true };
  return isByIdentity ? { ...options, credential: await identityCredential(clientId) } : options;
}
