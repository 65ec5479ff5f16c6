const [CR, LF] = [0x0d, 0x0a];
const USAGE_NAME = '"usage"';
const NULL_USAGE = /,\s*"usage"\s*:\s*null(?=\s*[,}])|"usage"\s*:\s*null\s*,\s*/;
const USAGE_OBJECT = /"usage"\s*:\s*\{/;
const NO_CHOICES = /"choices"\s*:\s*\[\s*\]/;
// Chunks are some hundred bytes; what is longer without an end is none, and passes as it is.
const MAX_HELD_BYTES = 1024 * 1024;

/**
 * Takes out of a stream what only the wish for usage put in: the last chunk, which has no choices, and
 * `"usage":null` in all others. Whole events pass as soon as they are there. Scope: one stream.
 */
export class WithoutUsageChunk {
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** What of the stream may go on now. */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const whole = this.#heldBytes === 0 ? bytes : Buffer.concat([...this.#held, bytes]);
    // A blank line may lie across the border of what is held and what came.
    const end = endOfEvents(whole, Math.max(0, this.#heldBytes - 3));
    if (end === 0 && whole.length <= MAX_HELD_BYTES) {
      this.#hold(whole);
      return EMPTY;
    }
    const isEndless = end === 0;
    this.#hold(isEndless ? EMPTY : whole.subarray(end));
    return isEndless ? whole : edited(whole.subarray(0, end));
  }

  /** What is left when the stream has ended. */
  end(): Uint8Array {
    const rest = Buffer.concat(this.#held);
    this.#hold(EMPTY);
    return edited(rest);
  }

  #hold(bytes: Buffer): void {
    this.#held = bytes.length === 0 ? [] : [bytes];
    this.#heldBytes = bytes.length;
  }
}

const EMPTY = Buffer.alloc(0);

/** The offset behind the last blank line; 0 where there is none. */
function endOfEvents(bytes: Buffer, from: number): number {
  for (let at = bytes.length - 1; at > from; at--) {
    if (bytes[at] !== LF && bytes[at] !== CR) continue;
    // Its line feed may be still to come, and belongs to the same event.
    if (bytes[at] === CR && at === bytes.length - 1) continue;
    const before = at - (bytes[at] === LF && bytes[at - 1] === CR ? 2 : 1);
    if (bytes[before] === LF || bytes[before] === CR) return at + 1;
  }
  return 0;
}

function edited(events: Buffer): Uint8Array {
  if (!events.includes(USAGE_NAME)) return events;
  const parts: Buffer[] = [];
  for (let at = 0; at < events.length; ) {
    const end = endOfEvent(events, at);
    const event = editedEvent(events.subarray(at, end));
    if (event) parts.push(event);
    at = end;
  }
  return Buffer.concat(parts);
}

/** The offset behind an event's blank line. */
function endOfEvent(bytes: Buffer, from: number): number {
  let lineStart = from;
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] !== LF && bytes[at] !== CR) continue;
    const isBlank = at === lineStart;
    if (bytes[at] === CR && bytes[at + 1] === LF) at += 1;
    if (isBlank) return at + 1;
    lineStart = at + 1;
  }
  return bytes.length;
}

/** Within a JSON string both quotes of a name would be escaped: no text is taken for the field. */
function editedEvent(event: Buffer): Buffer | undefined {
  if (!event.includes(USAGE_NAME)) return event;
  const text = event.toString("latin1");
  if (USAGE_OBJECT.test(text) && NO_CHOICES.test(text)) return undefined;
  const without = text.replace(NULL_USAGE, "");
  return without.length === text.length ? event : Buffer.from(without, "latin1");
}
