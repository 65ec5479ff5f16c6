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
  return { count, sum, min, max, buckets };
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
  const counts = value.counts.map((count, at) => count - (before.counts[at] ?? 0));
  return {
    ...value,
    ...extremesOf(counts, value, before),
    count: value.count - before.count,
    sum: value.sum - before.sum,
    counts,
  };
}

/**
 * The least and the greatest of the values that were added: exact where they are so of all values, else the
 * outer bound of their bucket. Without them Azure Monitor has no worst case to alert on.
 */
function extremesOf(added: readonly number[], all: HistogramValue, before: HistogramValue) {
  const low = all.bounds[added.findIndex((count) => count > 0) - 1] ?? all.min;
  const high = all.bounds[added.findLastIndex((count) => count > 0)] ?? all.max;
  return {
    min: all.min < before.min ? all.min : Math.max(all.min, low),
    max: all.max > before.max ? all.max : Math.min(all.max, high),
  };
}
