import type { Resource } from "@opentelemetry/resources";
import type { Histogram, MetricData, ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type {
  HistogramValue,
  MetricDefinition,
  MetricPoint,
  MetricReading,
} from "../telemetry/index.ts";
import { SCOPE, toHrTime } from "./readable-span.ts";

// The values of OpenTelemetry's enumerations: to import them would load its SDK at start.
export const DELTA = 0;
export const CUMULATIVE = 1;
const DATA_POINT = { histogram: 0, gauge: 2, sum: 3 } as const;
const DOUBLE = 1;

export interface Period {
  readonly resource: Resource;
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly temporality: typeof DELTA | typeof CUMULATIVE;
}

/** Readings as OpenTelemetry's exporters take them. */
export function toResourceMetrics(
  readings: readonly MetricReading[],
  period: Period,
): ResourceMetrics {
  const metrics = readings
    .filter(({ points }) => points.length > 0)
    .map(({ definition, points }) => toMetricData(definition, points, period));
  return { resource: period.resource, scopeMetrics: [{ scope: SCOPE, metrics }] };
}

function toMetricData(
  { name, unit, description, kind }: MetricDefinition,
  points: readonly MetricPoint[],
  { from, to, temporality }: Period,
): MetricData {
  const [startTime, endTime] = [toHrTime(from), toHrTime(to)];
  const dataPoints = points.map(({ attributes, value }) => ({
    startTime,
    endTime,
    attributes: { ...attributes },
    value: typeof value === "number" ? value : toHistogram(value),
  }));
  const data = {
    descriptor: { name, unit, description, valueType: DOUBLE },
    aggregationTemporality: temporality,
    dataPointType: kind === "counter" ? DATA_POINT.sum : DATA_POINT[kind],
    dataPoints,
    ...(kind === "counter" ? { isMonotonic: true } : {}),
  };
  return data as unknown as MetricData;
}

function toHistogram({ count, sum, min, max, bounds, counts }: HistogramValue): Histogram {
  const buckets = { boundaries: [...bounds], counts: [...counts] };
  return Number.isFinite(min) && Number.isFinite(max)
    ? { count, sum, min, max, buckets }
    : { count, sum, buckets };
}

/** What was added since it was last asked: for receivers that add up themselves. Scope: one receiver. */
export class Deltas {
  #before = new Map<string, MetricPoint["value"]>();

  since(readings: readonly MetricReading[]): MetricReading[] {
    const now = new Map<string, MetricPoint["value"]>();
    const added = readings.map(({ definition, points }) => {
      if (definition.kind === "gauge") return { definition, points };
      const changed = points.flatMap(({ attributes, value }) => {
        const key = `${definition.name} ${JSON.stringify(attributes)}`;
        now.set(key, value);
        const difference = minus(value, this.#before.get(key));
        return difference === undefined ? [] : [{ attributes, value: difference }];
      });
      return { definition, points: changed };
    });
    this.#before = now;
    return added;
  }
}

/** Undefined where nothing was added. */
function minus(
  value: MetricPoint["value"],
  before: MetricPoint["value"] | undefined,
): MetricPoint["value"] | undefined {
  if (typeof value === "number") {
    const difference = value - (typeof before === "number" ? before : 0);
    return difference === 0 ? undefined : difference;
  }
  if (typeof before !== "object") return value;
  if (value.count === before.count) return undefined;
  return {
    ...value,
    count: value.count - before.count,
    sum: value.sum - before.sum,
    // Of a part of the values they are not known.
    min: Number.NaN,
    max: Number.NaN,
    counts: value.counts.map((count, at) => count - (before.counts[at] ?? 0)),
  };
}
