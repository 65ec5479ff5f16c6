import { asBuffer } from "./bytes.ts";
import { EventBytes } from "./event-bytes.ts";

const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);
const FIRST_CAPACITY_BYTES = 256;

/**
 * Cuts an event stream between its events, however its bytes come, so that whoever looks into them never
 * meets half of one. Only what crosses two chunks is copied. Scope: one stream.
 */
export class WholeEvents {
  readonly #maxEventBytes: number;
  #open: Buffer = EMPTY;
  #openBytes = 0;
  /** Whether the open event is one that is passed on in parts. */
  #isInParts = false;
  /** The last byte that came: it may end a line, or be the first half of what does. */
  #last = LF;

  /** `maxEventBytes`: the most of one event that is held. */
  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes;
  }

  push(chunk: Uint8Array): readonly EventBytes[] {
    const bytes = asBuffer(chunk);
    const found: EventBytes[] = [];
    const isOpen = this.#openBytes > 0 || this.#isInParts;
    const start = isOpen ? endOfFirstEvent(bytes, this.#last) : 0;
    this.#last = bytes.at(-1) ?? this.#last;
    if (start < 0) {
      this.#keep(bytes, found);
      return found;
    }
    if (isOpen) found.push(this.#close(bytes.subarray(0, start)));
    const end = endOfLastEvent(bytes, start);
    if (end > start) {
      const whole = end - start === bytes.length ? bytes : bytes.subarray(start, end);
      found.push(new EventBytes(whole, { startsAt: start }));
    }
    if (end < bytes.length) this.#keep(bytes.subarray(end), found);
    return found;
  }

  /** What is left of a stream that ends within an event. */
  end(): Buffer {
    const rest = this.#open.subarray(0, this.#openBytes);
    this.#letGo();
    this.#isInParts = false;
    return rest;
  }

  #keep(bytes: Buffer, found: EventBytes[]): void {
    const isRest = this.#isInParts;
    if (!isRest) this.#append(bytes);
    this.#isInParts ||= this.#openBytes > this.#maxEventBytes;
    if (!this.#isInParts) return;
    const part = isRest ? bytes : this.#open.subarray(0, this.#openBytes);
    found.push(new EventBytes(part, { startsAt: 0, isOpen: true, isRest }));
    this.#letGo();
  }

  #close(last: Buffer): EventBytes {
    const isRest = this.#isInParts;
    if (!isRest) this.#append(last);
    const bytes = isRest ? last : this.#open.subarray(0, this.#openBytes);
    this.#letGo();
    this.#isInParts = false;
    return new EventBytes(bytes, { startsAt: last.length - bytes.length, isRest });
  }

  // Doubled, so that an event that comes byte by byte is not copied for every byte.
  #append(bytes: Buffer): void {
    const length = this.#openBytes + bytes.length;
    if (length > this.#open.length) {
      const size = Math.max(FIRST_CAPACITY_BYTES, length, this.#open.length * 2);
      const grown = Buffer.allocUnsafe(size);
      this.#open.copy(grown, 0, 0, this.#openBytes);
      this.#open = grown;
    }
    bytes.copy(this.#open, this.#openBytes);
    this.#openBytes = length;
  }

  /** What was handed out is its reader's: the next event gets memory of its own. */
  #letGo(): void {
    this.#open = EMPTY;
    this.#openBytes = 0;
  }
}

/** The offset behind the first blank line, for bytes that follow `before` within an event; -1 without one. */
export function endOfFirstEvent(bytes: Buffer, before: number): number {
  // A line feed behind a carriage return belongs to the line that is over.
  let at = before === CR && bytes[0] === LF ? 1 : 0;
  let lineStart = isLineEnd(before) ? at : -1;
  for (;;) {
    const end = endOfLine(bytes, at);
    if (end < 0) return -1;
    at = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
    if (end === lineStart) return at;
    lineStart = at;
  }
}

/** The offset behind the last blank line, for bytes that begin a line at `from`; `from` without one. */
export function endOfLastEvent(bytes: Buffer, from: number): number {
  for (let end = bytes.length - 1; end >= from; end--) {
    if (!isLineEnd(bytes[end])) continue;
    const isPair = bytes[end] === LF && end > from && bytes[end - 1] === CR;
    const start = isPair ? end - 1 : end;
    if (start === from || isLineEnd(bytes[start - 1])) return end + 1;
    end = start;
  }
  return from;
}

/** The offset of the next line's end: a line feed, a carriage return, or both; -1 without one. */
export function endOfLine(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf(LF, from);
  const cr = bytes.subarray(0, lf < 0 ? bytes.length : lf).indexOf(CR, from);
  return cr < 0 ? lf : cr;
}

const isLineEnd = (byte: number | undefined): boolean => byte === LF || byte === CR;
