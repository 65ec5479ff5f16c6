import type { MetricDefinition } from "./metric-definition.ts";
import { ATTRIBUTES, OLDER_PROVIDERS } from "./names.ts";
import { type Labels, SeriesTree } from "./series-tree.ts";

/** Values that fell into buckets. */
export interface HistogramValue {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly bounds: readonly number[];
  /** One more than there are bounds: the last is for what lies above them all. */
  readonly counts: readonly number[];
}

export interface MetricPoint {
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly value: number | HistogramValue;
}

/** A metric as it stands: counters and histograms since the instance began. */
export interface MetricReading {
  readonly definition: MetricDefinition;
  readonly points: readonly MetricPoint[];
}

/** A gauge as it is now. */
export type GaugeReading = readonly [definition: MetricDefinition, labels: Labels, value: number];

interface Series {
  readonly labels: Labels;
  count: number;
  sum: number;
  min: number;
  max: number;
  readonly counts: number[];
}

/** Counts what happens, for whoever asks: an addition, and nothing kept of what was added. Scope: per instance. */
export class MetricBook {
  readonly #usesLatestNames: boolean;
  readonly #metrics = new Map<MetricDefinition, SeriesTree<Series>>();

  constructor({ usesLatestNames }: { readonly usesLatestNames: boolean }) {
    this.#usesLatestNames = usesLatestNames;
  }

  /** Adds to a counter, or a value to a histogram. */
  record(definition: MetricDefinition, labels: Labels, value = 1): void {
    if (!this.#isInForce(definition)) return;
    const series = this.#tree(definition).of(labels);
    series.count += 1;
    series.sum += value;
    const { bounds } = definition;
    if (!bounds) return;
    series.min = Math.min(series.min, value);
    series.max = Math.max(series.max, value);
    const bucket = bucketOf(bounds, value);
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
  }

  /** All that was counted, and the gauges besides. */
  read(gauges: readonly GaugeReading[] = []): MetricReading[] {
    const counted = [...this.#metrics].map(([definition, { all }]) => ({
      definition,
      points: all.map((each) => this.#point(definition, each)),
    }));
    const measured = new Map<MetricDefinition, MetricPoint[]>();
    for (const [definition, labels, value] of gauges) {
      const points = measured.get(definition) ?? [];
      points.push({ attributes: this.#attributes(definition, labels), value });
      measured.set(definition, points);
    }
    return [...counted, ...[...measured].map(([definition, points]) => ({ definition, points }))];
  }

  #isInForce({ generation }: MetricDefinition): boolean {
    return generation === undefined || (generation === "latest") === this.#usesLatestNames;
  }

  #tree(definition: MetricDefinition): SeriesTree<Series> {
    const known = this.#metrics.get(definition);
    if (known) return known;
    const tree = new SeriesTree((labels) => emptySeries(definition, labels));
    this.#metrics.set(definition, tree);
    return tree;
  }

  #point(definition: MetricDefinition, series: Series): MetricPoint {
    const attributes = this.#attributes(definition, series.labels);
    const { bounds } = definition;
    if (!bounds) return { attributes, value: series.sum };
    const { count, sum, min, max, counts } = series;
    return { attributes, value: { count, sum, min, max, bounds, counts: [...counts] } };
  }

  #attributes({ attributes }: MetricDefinition, labels: Labels): Record<string, string | number> {
    const named: Record<string, string | number> = {};
    for (const [at, name] of attributes.entries()) {
      const value = labels[at];
      if (value === undefined) continue;
      const [told, as] = attributeAs(name, value, this.#usesLatestNames);
      named[told] = as;
    }
    return named;
  }
}

/** An attribute as the generation of conventions in force has it. */
export function attributeAs<Value>(
  name: string,
  value: Value,
  usesLatestNames: boolean,
): readonly [name: string, value: Value | string] {
  if (usesLatestNames) return [name, value];
  if (name === ATTRIBUTES.serviceTier) return [ATTRIBUTES.olderServiceTier, value];
  if (name !== ATTRIBUTES.provider) return [name, value];
  return [ATTRIBUTES.system, OLDER_PROVIDERS[String(value)] ?? value];
}

function emptySeries({ bounds }: MetricDefinition, labels: Labels): Series {
  const counts = new Array<number>(bounds ? bounds.length + 1 : 0).fill(0);
  return { labels, count: 0, sum: 0, min: Infinity, max: -Infinity, counts };
}

/** Bounds are inclusive. */
function bucketOf(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= (bounds[middle] ?? Infinity)) high = middle;
    else low = middle + 1;
  }
  return low;
}
