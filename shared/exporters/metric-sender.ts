import type { Resource } from "@opentelemetry/resources";
import type { TelemetrySettings } from "../config/index.ts";
import type { Cancel, Clock } from "../core/clock.ts";
import type { MetricReading } from "../telemetry/index.ts";
import { CUMULATIVE, DELTA, Deltas, toResourceMetrics } from "./resource-metrics.ts";
import { exported, type MetricExporter } from "./targets.ts";

export interface MetricTarget {
  readonly name: string;
  /** Loads what it takes; called when metrics are sent for the first time. */
  open(): Promise<MetricExporter>;
  resource(): Promise<Resource>;
}

export interface MetricSenderOptions {
  readonly target: MetricTarget;
  readonly settings: Pick<TelemetrySettings, "metricIntervalMs" | "exportTimeoutMs">;
  readonly clock: Clock;
  read(): readonly MetricReading[];
  onFailure(sink: string): void;
}

/** Sends the metrics now and then, the first time after one interval. Scope: one receiver, per instance. */
export class MetricSender {
  readonly #options: MetricSenderOptions;
  readonly #deltas = new Deltas();
  #opening: Promise<readonly [MetricExporter, Resource]> | undefined;
  #sentAt: number;
  readonly #startedAt: number;
  #cancelTimer: Cancel;
  #sending: Promise<void> | undefined;

  constructor(options: MetricSenderOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#sentAt = this.#startedAt;
    this.#cancelTimer = this.#again();
  }

  /** Sends once more what was counted since, for as long as it may take. */
  async close(withinMs: number): Promise<void> {
    this.#cancelTimer();
    await within(this.#options.clock, withinMs, async () => {
      await this.#sending;
      await this.#send();
      const [exporter] = (await this.#opening) ?? [];
      await exporter?.shutdown();
    });
  }

  #again(): Cancel {
    return this.#options.clock.schedule(this.#options.settings.metricIntervalMs, () => {
      this.#cancelTimer = this.#again();
      // One that takes longer than an interval is not joined by another.
      this.#sending ??= this.#send().finally(() => {
        this.#sending = undefined;
      });
    });
  }

  async #send(): Promise<void> {
    const { target, clock, read, onFailure, settings } = this.#options;
    const sent = await within(clock, settings.exportTimeoutMs, async () => {
      this.#opening ??= Promise.all([target.open(), target.resource()]);
      const [exporter, resource] = await this.#opening;
      const isDelta = exporter.temporality === DELTA;
      const [from, to] = [isDelta ? this.#sentAt : this.#startedAt, clock.now()];
      this.#sentAt = to;
      const readings = isDelta ? this.#deltas.since(read()) : read();
      const temporality = isDelta ? DELTA : CUMULATIVE;
      await exported(exporter, toResourceMetrics(readings, { resource, from, to, temporality }));
    });
    if (!sent) onFailure(target.name);
  }
}

/** Whether the work was done in time, and did not fail. */
function within(clock: Clock, ms: number, work: () => Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(ms, () => resolve(false));
    work()
      .then(
        () => resolve(true),
        () => resolve(false),
      )
      .finally(cancel);
  });
}
