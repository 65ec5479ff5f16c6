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
      try {
        told ??= heard(event);
        sink.take(told);
      } catch {
        // Whoever hears must not break what is told of; one that does so loses its event.
      }
    }
  };
}

/**
 * The same behind the turn in which something happened: what is told of a request is put together when its
 * answer is on its way, and of all that end in one turn together. Whatever is more than information is told
 * at once, and never before what happened earlier.
 */
export function emitBehind(emit: Emit, nextTurn: (callback: () => void) => void): Emit {
  let waiting: TelemetryEvent[] = [];
  const tellAll = (): void => {
    const told = waiting;
    waiting = [];
    for (const event of told) emit(event);
  };
  return (event) => {
    waiting.push(event);
    if (event.level !== "info") tellAll();
    else if (waiting.length === 1) nextTurn(tellAll);
  };
}
