import type { Settings, TelemetrySettings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/domain.ts";
import {
  createSampler,
  type GaugeReading,
  METRICS,
  MetricBook,
  type MetricReading,
  measureRecords,
  type Sink,
  Tracing,
} from "../telemetry/index.ts";
import { MetricSender, type MetricTarget } from "./metric-sender.ts";
import { prometheusPage } from "./prometheus-page.ts";
import { type OwnedSink, type SpanTarget, sendSpans } from "./send-spans.ts";
import {
  openAzureMetrics,
  openAzureSpans,
  openOtlpMetrics,
  openOtlpSpans,
  openResource,
} from "./targets.ts";

export interface OpenTelemetryOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
}

/** Traces and metrics as they are configured, and how to end them. */
export interface Telemetry {
  readonly sinks: readonly Sink[];
  /** Absent where no traces are sent anywhere. */
  readonly tracing: Tracing | undefined;
  /** From now on the instance's gauges are told, too. */
  observe(gauges: () => readonly GaugeReading[]): void;
  /** All metrics; undefined where nobody could see them. */
  readonly read: (() => MetricReading[]) | undefined;
  /** The metrics as Prometheus reads them. */
  page(): Promise<string>;
  /** Counts what a sink lost. */
  lost(sink: string, reason: string, count: number): void;
  /** Sends what is left, for as long as it may. */
  close(withinMs: number): Promise<void>;
}

/** Opens what is configured. No library is loaded here: each is with the first use of what needs it. */
export function openTelemetry(options: OpenTelemetryOptions): Telemetry {
  const { settings, clock, random } = options;
  const { telemetry } = settings;
  const startedAt = clock.now();
  const attributes = resourceOf(telemetry);
  const targets = targetsOf(telemetry, attributes);
  const isMeasured = targets.metrics.length > 0 || canBeSeen(settings);
  const book = isMeasured ? new MetricBook(telemetry) : undefined;
  let observed: () => readonly GaugeReading[] = () => [];
  const read = (): MetricReading[] => book?.read(observed()) ?? [];
  const lost = (sink: string, reason: string, count: number): void =>
    book?.record(METRICS.lost, [sink, reason], count);
  const spans: OwnedSink[] = targets.spans.map((target) =>
    sendSpans({ target, settings: telemetry, clock, onLoss: lost }),
  );
  const onFailure = (sink: string): void => lost(sink, "failed", 1);
  const senders = targets.metrics.map(
    (target) => new MetricSender({ target, settings: telemetry, clock, read, onFailure }),
  );
  return {
    sinks: [...(book ? [measureRecords(book, telemetry)] : []), ...spans],
    tracing: spans.length > 0 ? new Tracing(createSampler(telemetry.tracing), random) : undefined,
    observe(gauges) {
      observed = gauges;
    },
    read: book && read,
    page: () => prometheusPage(read(), { attributes, startedAt, nowMs: clock.now() }),
    lost,
    async close(withinMs) {
      // Spans first: what they lose is among the metrics that are sent last.
      await Promise.all(spans.map((sink) => sink.close(withinMs / 2)));
      await Promise.all(senders.map((sender) => sender.close(withinMs / 2)));
    },
  };
}

/** Whether anybody might ask this instance for its metrics. */
const canBeSeen = ({ operatorKeys, telemetry, authentication: { ways } }: Settings): boolean =>
  operatorKeys.length > 0 ||
  telemetry.isMetricsPageOpen ||
  ways.has("entra") ||
  ways.has("easy-auth");

/** https://opentelemetry.io/docs/specs/semconv/resource/#service */
function resourceOf({
  serviceName,
  resource,
  instanceName,
}: TelemetrySettings): Record<string, string> {
  return {
    "service.instance.id": instanceName,
    ...Object.fromEntries(resource),
    "service.name": serviceName,
  };
}

function targetsOf(
  { otlpTraces, otlpMetrics, azureMonitor, exportTimeoutMs: timeoutMs }: TelemetrySettings,
  attributes: Record<string, string>,
): { readonly spans: readonly SpanTarget[]; readonly metrics: readonly MetricTarget[] } {
  const resource = () => openResource(attributes);
  const spans: SpanTarget[] = [];
  const metrics: MetricTarget[] = [];
  if (otlpTraces !== undefined) {
    const open = () => openOtlpSpans({ url: otlpTraces, timeoutMs });
    spans.push({ name: "otlp-traces", resource, open });
  }
  if (otlpMetrics !== undefined) {
    const open = () => openOtlpMetrics({ url: otlpMetrics, timeoutMs });
    metrics.push({ name: "otlp-metrics", resource, open });
  }
  if (azureMonitor) {
    const [openSpans, openMetrics] = [openAzureSpans, openAzureMetrics];
    spans.push({ name: "azure-traces", resource, open: () => openSpans(azureMonitor) });
    metrics.push({ name: "azure-metrics", resource, open: () => openMetrics(azureMonitor) });
  }
  return { spans, metrics };
}
