import type { TraceRow } from "./trace-row.ts";

/** A request of the trace and its moment in the replay. */
export interface Arrival {
  readonly row: TraceRow;
  /** Milliseconds after the first arrival. */
  readonly dueMs: number;
}

export interface ScheduleOptions {
  /** How many times faster than the trace. */
  readonly speed: number;
  /** How many requests at most. */
  readonly limit: number;
}

/** Sets the trace's gaps to the replay's speed. No gap is cut: a silence stays one, divided like the rest. */
export async function* schedule(
  rows: AsyncIterable<TraceRow> | Iterable<TraceRow>,
  { speed, limit }: ScheduleOptions,
): AsyncGenerator<Arrival, void, undefined> {
  let count = 0;
  let firstAtMs: number | undefined;
  for await (const row of rows) {
    firstAtMs ??= row.atMs;
    yield { row, dueMs: (row.atMs - firstAtMs) / speed };
    count += 1;
    if (count >= limit) return;
  }
}
