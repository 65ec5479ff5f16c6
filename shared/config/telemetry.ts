import * as z from "zod";
import { choice, flag, integer, list, wholeUrl } from "./values.ts";

const MAX_INT32 = 2_147_483_647;
const MAX_BUFFERED = 1_000_000;
const MAX_SERIES_NAMES = 10_000;

const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

const share = z.string().transform((text, context) => {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  context.addIssue({ code: "custom", message: `expected a number from 0 to 1, got "${text}"` });
  return z.NEVER;
});

// Collectors take JSON and protobuf at one endpoint; gRPC has one of its own.
const protocol = z.enum(["http/json", "http/protobuf"], {
  error: "expected http/json: telemetry is sent as JSON over HTTP",
});

/**
 * Settings of traces and metrics. The standard ones of OpenTelemetry keep their names; those of them that
 * only its exporters read (headers, certificates, compression) are not listed here.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export const telemetryShape = {
  OTEL_SDK_DISABLED: flag.default(false),
  OTEL_SERVICE_NAME: z.string().default("simplel7proxy"),
  OTEL_RESOURCE_ATTRIBUTES: z.string().default(""),
  OTEL_TRACES_EXPORTER: choice("otlp", "none").default("otlp"),
  OTEL_METRICS_EXPORTER: choice("otlp", "none").default("otlp"),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default("parentbased_always_on"),
  OTEL_TRACES_SAMPLER_ARG: share.default(1),
  OTEL_EXPORTER_OTLP_ENDPOINT: wholeUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: wholeUrl.optional(),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: wholeUrl.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol.default("http/json"),
  OTEL_EXPORTER_OTLP_TIMEOUT: integer(1, MAX_INT32).default(10_000),
  OTEL_METRIC_EXPORT_INTERVAL: integer(100, MAX_INT32).default(60_000),
  OTEL_BSP_MAX_QUEUE_SIZE: integer(1, MAX_BUFFERED).default(2048),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: integer(1, MAX_BUFFERED).default(512),
  OTEL_BSP_SCHEDULE_DELAY: integer(0, MAX_INT32).default(5000),
  OTEL_SEMCONV_STABILITY_OPT_IN: list.default([]),
  APPLICATIONINSIGHTS_CONNECTION_STRING: z.string().optional(),
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: z.string().default(""),
  GATEWAY_TELEMETRY_AZURE_MONITOR: flag.default(true),
  GATEWAY_METRICS_OPEN: flag.default(false),
  GATEWAY_METRICS_MODELS: integer(0, MAX_SERIES_NAMES).default(50),
  GATEWAY_METRICS_USERS: integer(0, MAX_SERIES_NAMES).default(50),
};

const schema = z.object(telemetryShape);

type Environment = Readonly<Record<string, string | undefined>>;

/** Which traces are recorded. */
export interface TracingSettings {
  readonly sampler: (typeof SAMPLERS)[number];
  /** The part of them, 0 to 1, for the samplers by ratio. */
  readonly sampledShare: number;
}

/** Application Insights, and how the app proves who it is there. */
export interface AzureMonitorSettings {
  readonly connectionString: string;
  readonly isByIdentity: boolean;
  readonly clientId: string | undefined;
}

/** Where traces and metrics go, and which. */
export interface TelemetrySettings {
  readonly serviceName: string;
  /** Which of the app's instances this is. */
  readonly instanceName: string;
  readonly resource: ReadonlyMap<string, string>;
  readonly tracing: TracingSettings;
  /** URLs that take traces and metrics as OTLP over HTTP; undefined sends none. */
  readonly otlpTraces: string | undefined;
  readonly otlpMetrics: string | undefined;
  readonly azureMonitor: AzureMonitorSettings | undefined;
  readonly exportTimeoutMs: number;
  readonly metricIntervalMs: number;
  readonly spanBuffer: {
    readonly capacity: number;
    readonly batch: number;
    readonly delayMs: number;
  };
  /** Whether names follow the latest conventions for generative AI, or those that most tools know. */
  readonly usesLatestNames: boolean;
  /** Whether anybody may read `/metrics`. */
  readonly isMetricsPageOpen: boolean;
  /** So many models, and users, have figures of their own; the others share theirs. */
  readonly maxModels: number;
  readonly maxUsers: number;
}

/** The settings of traces and metrics. */
export function toTelemetry(raw: z.infer<typeof schema>, env: Environment): TelemetrySettings {
  const isOff = raw.OTEL_SDK_DISABLED;
  const otlp = (kind: "traces" | "metrics", own: string | undefined): string | undefined => {
    const exporter = kind === "traces" ? raw.OTEL_TRACES_EXPORTER : raw.OTEL_METRICS_EXPORTER;
    if (isOff || exporter === "none") return undefined;
    const base = raw.OTEL_EXPORTER_OTLP_ENDPOINT;
    return own ?? (base === undefined ? undefined : `${base.replace(/\/$/, "")}/v1/${kind}`);
  };
  return Object.freeze({
    serviceName: raw.OTEL_SERVICE_NAME,
    instanceName: env["WEBSITE_INSTANCE_ID"] || env["HOSTNAME"] || "local",
    resource: pairsOf(raw.OTEL_RESOURCE_ATTRIBUTES, ",", decoded),
    tracing: { sampler: raw.OTEL_TRACES_SAMPLER, sampledShare: raw.OTEL_TRACES_SAMPLER_ARG },
    otlpTraces: otlp("traces", raw.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),
    otlpMetrics: otlp("metrics", raw.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT),
    azureMonitor: isOff ? undefined : azureMonitorOf(raw),
    exportTimeoutMs: raw.OTEL_EXPORTER_OTLP_TIMEOUT,
    metricIntervalMs: raw.OTEL_METRIC_EXPORT_INTERVAL,
    spanBuffer: {
      capacity: raw.OTEL_BSP_MAX_QUEUE_SIZE,
      batch: Math.min(raw.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, raw.OTEL_BSP_MAX_QUEUE_SIZE),
      delayMs: raw.OTEL_BSP_SCHEDULE_DELAY,
    },
    usesLatestNames: raw.OTEL_SEMCONV_STABILITY_OPT_IN.includes("gen_ai_latest_experimental"),
    isMetricsPageOpen: raw.GATEWAY_METRICS_OPEN,
    maxModels: raw.GATEWAY_METRICS_MODELS,
    maxUsers: raw.GATEWAY_METRICS_USERS,
  });
}

/** `Authorization=AAD;ClientId=...` is what the Functions host reads too. */
function azureMonitorOf(raw: z.infer<typeof schema>): AzureMonitorSettings | undefined {
  const connectionString = raw.APPLICATIONINSIGHTS_CONNECTION_STRING;
  if (!connectionString || !raw.GATEWAY_TELEMETRY_AZURE_MONITOR) return undefined;
  const words = pairsOf(raw.APPLICATIONINSIGHTS_AUTHENTICATION_STRING.toLowerCase(), ";");
  return {
    connectionString,
    isByIdentity: words.get("authorization") === "aad",
    clientId: words.get("clientid"),
  };
}

function pairsOf(
  text: string,
  separator: string,
  read = (value: string): string => value,
): ReadonlyMap<string, string> {
  const pairs = text.split(separator).flatMap((pair) => {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at).trim();
    return at < 1 || name === "" ? [] : [[name, read(pair.slice(at + 1).trim())] as const];
  });
  return new Map(pairs);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
