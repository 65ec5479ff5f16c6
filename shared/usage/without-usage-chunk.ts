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
 */
const NULL_USAGE = /, ?"usage": ?null(?=[^{}[\]\\\r\n]*\}\r?\n\r?\n)/g;

/**
 * Takes out of a stream what only the wish for usage put in: the last chunk, which has no choices, and
 * `"usage":null` in all others. Whole events pass as soon as they are there, in their own memory where
 * nothing is taken out. Scope: one stream.
 */
export class WithoutUsageChunk {
  readonly #whole = new WholeEvents(MAX_HELD_BYTES);
  /** Whether an event was taken out whose last line's end may have a second half. */
  #isAmidEnd = false;

  /** What of the stream may go on now. */
  push(chunk: Uint8Array): Uint8Array {
    const parts = this.#whole
      .push(chunk)
      .map(({ bytes, isOpen, isRest }) => (isOpen || isRest ? bytes : this.#edited(bytes)));
    const [only = EMPTY] = parts;
    return parts.length < 2 ? only : Buffer.concat(parts);
  }

  /** What is left when the stream has ended. */
  end(): Uint8Array {
    return this.#edited(this.#whole.end());
  }

  #edited(bytes: Buffer): Buffer {
    const events = this.#isAmidEnd && bytes[0] === LF ? bytes.subarray(1) : bytes;
    this.#isAmidEnd = false;
    const text = events.toString("latin1");
    const left = text.replace(NULL_USAGE, "");
    const edited = left.length === text.length ? events : Buffer.from(left, "latin1");
    return this.#editedSingly(edited, left);
  }

  /** Looks at each event that still names usage; `text` is what the bytes are as Latin-1 characters. */
  #editedSingly(events: Buffer, text: string): Buffer {
    const kept: Buffer[] = [];
    let keptUntil = 0;
    NAMES_USAGE.lastIndex = 0;
    for (let at = 0; NAMES_USAGE.test(text); NAMES_USAGE.lastIndex = at) {
      const start = endOfLastEvent(events.subarray(0, NAMES_USAGE.lastIndex), at);
      at = endOfEvent(events, NAMES_USAGE.lastIndex);
      const trace = usageTrace(events, { start, end: at });
      if (!trace) continue;
      kept.push(events.subarray(keptUntil, trace.start));
      keptUntil = trace.end;
    }
    this.#isAmidEnd = keptUntil === events.length && events.at(-1) === CR;
    return keptUntil === 0 ? events : Buffer.concat([...kept, events.subarray(keptUntil)]);
  }
}

function endOfEvent(events: Buffer, within: number): number {
  const length = endOfFirstEvent(events.subarray(within), COLON);
  return length < 0 ? events.length : within + length;
}
