import { EventBytes } from "../core/event-bytes.ts";
import { endOfFirstEvent, endOfLastEvent, WholeEvents } from "../core/whole-events.ts";
import { usageTrace } from "./usage-trace.ts";

// Chunks are some hundred bytes; what is longer without an end is none, and passes as it is.
const MAX_HELD_BYTES = 1024 * 1024;
const [CR, LF, COLON] = [0x0d, 0x0a, 0x3a];
const EMPTY = Buffer.alloc(0);
const NAMES_USAGE = /"usage"\s*:/g;

/**
 * `"usage":null` as it nearly always stands: nothing opens or closes between it and the brace that ends
 * the event, so it is the object's own. Within a JSON string both quotes of the name would be escaped.
 * Each is followed so far only: what names it often must not be read to its end as often.
 */
const NULL_USAGE = /, ?"usage": ?null(?=[^{}[\]\\\r\n]{0,512}\}\r?\n\r?\n)/g;

/** Whole events, each byte a Latin-1 character, without nearly all of what the wish for usage puts into each. */
export const withoutNullUsage = (events: string): string => events.replace(NULL_USAGE, "");

/**
 * Takes out of a stream what only the wish for usage put in: the last chunk, which has no choices, and
 * `"usage":null` in all others. Whole events pass as soon as they are there, in their own memory where
 * nothing is taken out. Scope: one stream.
 */
export class WithoutUsageChunk {
  readonly #whole = new WholeEvents(MAX_HELD_BYTES);
  /** Whether an event was taken out whose last line's end may have a second half. */
  #isAmidEnd = false;

  /** What of the stream may go on now. `events`: those of one that is cut and rewritten already, in memory of its own. */
  push(chunk: Uint8Array, events?: readonly EventBytes[]): Uint8Array {
    const parts = events ?? this.#whole.push(chunk).map(rewritten);
    const isOwn = events !== undefined;
    const edited = parts.map((part) => this.#edited(part, isOwn));
    if (isOwn && edited.every((bytes, at) => bytes === parts[at]?.bytes)) return chunk;
    const [only = EMPTY] = edited;
    return edited.length < 2 ? only : Buffer.concat(edited);
  }

  /** What is left when the stream has ended. */
  end(): Uint8Array {
    const rest = this.#whole.end();
    return this.#edited(rewritten(new EventBytes(rest, { startsAt: 0 })), false);
  }

  #edited(part: EventBytes, isOwn: boolean): Buffer {
    const { bytes, isOpen, isRest } = part;
    if (isOpen || isRest) return bytes;
    const isSecondHalf = this.#isAmidEnd && bytes[0] === LF;
    this.#isAmidEnd = false;
    if (isSecondHalf) {
      const startsAt = part.startsAt + 1;
      const rest = new EventBytes(bytes.subarray(1), { startsAt, isEdited: true });
      return this.#edited(rest, isOwn);
    }
    const from = part.signalAt;
    // Nearly all have none.
    if (from < 0) return bytes;
    const kept = this.#keptOf(part, from);
    return kept.length < 2 ? bytes : joined(kept, isOwn ? bytes : undefined);
  }

  /** Looks at each event that still names usage: gives what is to stay, in its order. */
  #keptOf(part: EventBytes, from: number): Buffer[] {
    const { bytes: events, text } = part;
    const kept: Buffer[] = [];
    let keptUntil = 0;
    NAMES_USAGE.lastIndex = from;
    for (let at = 0; NAMES_USAGE.test(text); NAMES_USAGE.lastIndex = at) {
      const start = endOfLastEvent(events.subarray(0, NAMES_USAGE.lastIndex), at);
      at = endOfEvent(events, NAMES_USAGE.lastIndex);
      const trace = usageTrace(events, { start, end: at }, part.known(start)?.event);
      if (!trace) continue;
      kept.push(events.subarray(keptUntil, trace.start));
      keptUntil = trace.end;
    }
    this.#isAmidEnd = keptUntil === events.length && events.at(-1) === CR;
    kept.push(events.subarray(keptUntil));
    return kept;
  }
}

/** In one piece: moved together where they lie in memory that is ours, else copied. */
function joined(kept: readonly Buffer[], own: Buffer | undefined): Buffer {
  if (!own) return Buffer.concat(kept);
  let length = kept[0]?.length ?? 0;
  for (const part of kept.slice(1)) length += part.copy(own, length);
  return own.subarray(0, length);
}

/** A copy of what is taken something out of: these bytes are their sender's. */
function rewritten(part: EventBytes): EventBytes {
  if (part.isOpen || part.isRest) return part;
  const { bytes, text, startsAt } = part;
  const left = withoutNullUsage(text);
  const own = left.length === text.length ? bytes : Buffer.from(left, "latin1");
  return new EventBytes(own, { startsAt, isEdited: true });
}

function endOfEvent(events: Buffer, within: number): number {
  const length = endOfFirstEvent(events.subarray(within), COLON);
  return length < 0 ? events.length : within + length;
}
