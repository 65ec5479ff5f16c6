import { textAt, timestampAt } from "./scalars.ts";
import { compoundBounds, endOfValue } from "./value-bounds.ts";

const SCHEDULED_ENQUEUE_TIME = "x-opt-scheduled-enqueue-time";

// Set by the broker at each delivery; what a client sends under these names is not kept.
const BROKER_OWNED = new Set([
  "x-opt-sequence-number",
  "x-opt-enqueued-time",
  "x-opt-locked-until",
  "x-opt-message-state",
  "x-opt-enqueue-sequence-number",
  "x-opt-deadletter-source",
]);

/** A client's message annotations: the encoded pairs that pass through, and what the broker reads. */
export interface ClientAnnotations {
  readonly pairs: Buffer;
  readonly scheduledAt: number | undefined;
}

export const NO_ANNOTATIONS: ClientAnnotations = { pairs: Buffer.alloc(0), scheduledAt: undefined };

/** Reads the annotations map that begins at `offset`. */
export function readAnnotations(bytes: Buffer, offset: number): ClientAnnotations {
  const bounds = compoundBounds(bytes, offset);
  const kept: Buffer[] = [];
  let scheduledAt: number | undefined;
  for (let at = bounds.start; at < bounds.end; ) {
    const valueAt = endOfValue(bytes, at);
    const end = endOfValue(bytes, valueAt);
    const key = textAt(bytes, at) ?? "";
    if (key === SCHEDULED_ENQUEUE_TIME) scheduledAt = timestampAt(bytes, valueAt);
    if (!BROKER_OWNED.has(key)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return { pairs: Buffer.concat(kept), scheduledAt };
}

/** How many values the encoded pairs hold: two for each annotation. */
export function countValues(pairs: Buffer): number {
  let count = 0;
  for (let at = 0; at < pairs.length; count++) at = endOfValue(pairs, at);
  return count;
}
