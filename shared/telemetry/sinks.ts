import { type Emit, heard, type TelemetryEvent } from "./events.ts";

/** Somebody who hears events. */
export interface Sink {
  hears(event: TelemetryEvent): boolean;
  /** Takes an event with all its facts. Must return at once. */
  take(event: TelemetryEvent): void;
}

/** Sends each event to whoever hears it; its facts are put together once, and only where somebody does. */
export function emitTo(sinks: readonly Sink[]): Emit {
  return (event) => {
    let told: TelemetryEvent | undefined;
    for (const sink of sinks) {
      if (!sink.hears(event)) continue;
      told ??= heard(event);
      try {
        sink.take(told);
      } catch {
        // Whoever hears must not break what is told of; one that does so loses its event.
      }
    }
  };
}
