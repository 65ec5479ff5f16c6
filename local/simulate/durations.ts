import { Histogram } from "../replay/histogram.ts";

/** Durations in milliseconds, as a result shows them; null where there was none. */
export interface DurationFigures {
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** Collects durations in memory that does not grow. Scope: one simulation. */
export class Durations {
  readonly #histogram = new Histogram();
  #sumMs = 0;

  add(ms: number): void {
    this.#histogram.add(ms);
    this.#sumMs += ms;
  }

  figures(): DurationFigures {
    const { count } = this.#histogram;
    const at = (share: number): number | null => this.#histogram.percentile(share) ?? null;
    return {
      mean: count === 0 ? null : this.#sumMs / count,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
      max: at(1),
    };
  }
}
