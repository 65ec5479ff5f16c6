/** What is measured, and how. */
export interface MetricDefinition {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  /** In UCUM, as OpenTelemetry has it. */
  readonly unit: string;
  readonly description: string;
  /** By what it is told apart, in the order in which values are given. */
  readonly attributes: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  readonly bounds?: readonly number[];
  /** Told only where the conventions in force have it; always unless given. */
  readonly generation?: "earlier" | "latest";
}

type Shape = Omit<MetricDefinition, "kind" | "name" | "unit" | "description">;

const metric =
  (kind: MetricDefinition["kind"]) =>
  (
    name: string,
    [unit, description]: readonly [string, string],
    shape: Shape,
  ): MetricDefinition => ({
    kind,
    name,
    unit,
    description,
    ...shape,
  });
/** What is only ever added to. */
export const counter = metric("counter");
/** What goes up and down. */
export const gauge = metric("gauge");
/** What falls into buckets. */
export const histogram = metric("histogram");
