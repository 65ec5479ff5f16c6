import { startBackend } from "./backend.ts";

/** A span as a collector gets it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A metric as a collector gets it; its points are as they came last. */
export interface CollectedMetric {
  readonly name: string;
  readonly points: readonly {
    readonly attributes: Readonly<Record<string, unknown>>;
    readonly value: number | undefined;
    readonly count: number | undefined;
  }[];
}

/** A collector that takes OTLP as JSON over HTTP. Scope: one test file. */
export interface OtlpCollector extends AsyncDisposable {
  readonly url: string;
  readonly spans: CollectedSpan[];
  readonly metrics: ReadonlyMap<string, CollectedMetric>;
  /** Requests that came, whatever they brought. */
  readonly calls: () => number;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
type Fields = Readonly<Record<string, unknown>>;

const attributesOf = (list: readonly KeyValue[] = []): Record<string, unknown> =>
  Object.fromEntries(
    list.map(({ key, value }) => {
      const [[type, plain] = ["", undefined]] = Object.entries(value);
      return [key, type === "intValue" ? Number(plain) : plain];
    }),
  );
const list = <Item>(value: unknown): Item[] => (Array.isArray(value) ? value : []);
const MS_PER_NS = 1e-6;

/** Starts a collector on a free port. */
export async function startCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const metrics = new Map<string, CollectedMetric>();
  const server = await startBackend(({ target, body }, response) => {
    const sent = JSON.parse(body.toString()) as Fields;
    if (target === "/v1/traces") spans.push(...spansIn(sent));
    for (const metric of target === "/v1/metrics" ? metricsIn(sent) : []) {
      metrics.set(metric.name, metric);
    }
    response.setHeader("content-type", "application/json").end("{}");
  });
  return {
    url: server.url,
    spans,
    metrics,
    calls: () => server.seen.length,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function spansIn(sent: Fields): CollectedSpan[] {
  return list<Fields>(sent["resourceSpans"]).flatMap((group) => {
    const resource = attributesOf((group["resource"] as { attributes: KeyValue[] }).attributes);
    return list<Fields>(group["scopeSpans"])
      .flatMap((scope) => list<Fields>(scope["spans"]))
      .map((span) => ({
        traceId: String(span["traceId"]),
        spanId: String(span["spanId"]),
        parentSpanId: span["parentSpanId"] ? String(span["parentSpanId"]) : undefined,
        name: String(span["name"]),
        kind: Number(span["kind"]),
        startMs: Number(span["startTimeUnixNano"]) * MS_PER_NS,
        endMs: Number(span["endTimeUnixNano"]) * MS_PER_NS,
        attributes: attributesOf(list<KeyValue>(span["attributes"])),
        resource,
      }));
  });
}

function metricsIn(sent: Fields): CollectedMetric[] {
  return list<Fields>(sent["resourceMetrics"])
    .flatMap((group) => list<Fields>(group["scopeMetrics"]))
    .flatMap((scope) => list<Fields>(scope["metrics"]))
    .map((metric) => {
      const data = (metric["sum"] ?? metric["gauge"] ?? metric["histogram"]) as Fields;
      const points = list<Fields>(data["dataPoints"]).map((point) => ({
        attributes: attributesOf(list<KeyValue>(point["attributes"])),
        value: numberOf(point["asDouble"] ?? point["asInt"] ?? point["sum"]),
        count: numberOf(point["count"]),
      }));
      return { name: String(metric["name"]), points };
    });
}

const numberOf = (value: unknown): number | undefined =>
  value === undefined ? undefined : Number(value);
