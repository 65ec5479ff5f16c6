import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import type { TelemetrySettings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import type { Sink, TelemetryEvent } from "../telemetry/index.ts";
import { ExportBuffer, type LossReason } from "./export-buffer.ts";
import { isSpanRecord, toReadableSpan } from "./readable-span.ts";
import { exported, type SpanExporter } from "./targets.ts";

export interface SpanTarget {
  readonly name: string;
  /** Loads what it takes; called with the first span. */
  open(): Promise<SpanExporter>;
  resource(): Promise<Resource>;
}

export interface SendSpansOptions {
  readonly target: SpanTarget;
  readonly settings: TelemetrySettings;
  readonly clock: Clock;
  onLoss(sink: string, reason: LossReason, count: number): void;
}

/** A sink, and how to end it. */
export interface OwnedSink extends Sink {
  /** Sends what is left, for as long as it may. */
  close(withinMs: number): Promise<void>;
}

/** Sends the spans that records stand for. They are made when they are sent, and not when they come. */
export function sendSpans({ target, settings, clock, onLoss }: SendSpansOptions): OwnedSink {
  const { spanBuffer, usesLatestNames, exportTimeoutMs: timeoutMs } = settings;
  let opening: Promise<readonly [SpanExporter, Resource]> | undefined;
  const open = (): Promise<readonly [SpanExporter, Resource]> => {
    opening ??= Promise.all([target.open(), target.resource()]).catch((error: unknown) => {
      // The next batch tries again.
      opening = undefined;
      throw error;
    });
    return opening;
  };
  const buffer = new ExportBuffer<TelemetryEvent>({
    ...spanBuffer,
    clock,
    timeoutMs,
    async send(records) {
      const [exporter, resource] = await open();
      const spans = records
        .map((record) => toReadableSpan(record, { resource, usesLatestNames }))
        .filter((span): span is ReadableSpan => span !== undefined);
      if (spans.length > 0) await exported(exporter, spans);
    },
    onLoss: (reason, count) => onLoss(target.name, reason, count),
  });
  return {
    hears: isSpanRecord,
    take(event) {
      if (event["isSampled"] === true) buffer.add(event);
    },
    async close(withinMs) {
      await buffer.close(withinMs);
      await opening?.then(([exporter]) => exporter.shutdown()).catch(() => {});
    },
  };
}
