/** One event of an event stream. */
export interface SseEvent {
  /** The `event` field; empty where there is none, which readers take as `message`. */
  readonly event: string;
  /** The `data` fields, joined by line feeds. */
  readonly data: string;
  /** The last `id` seen so far. */
  readonly id: string;
  /** Whether it was longer than the parser holds: then `data` is only its beginning. */
  readonly isTruncated: boolean;
  /** Offset, in the chunk pushed last, of the first byte behind the event. */
  readonly endsAt: number;
}

export interface SseParserOptions {
  readonly onEvent: (event: SseEvent) => void;
  /** The most of one event that is held; what is longer is cut, and its bytes are let go. */
  readonly maxEventBytes?: number;
}

// A partial image of a few megabytes is the largest event that providers send.
const DEFAULT_MAX_EVENT_BYTES = 8 * 1024 * 1024;
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const BOM = "\ufeff";

/**
 * Reads an event stream as the HTML standard says (section 9.2.6), however it is cut into chunks: lines
 * end with LF, CR or CRLF, a BOM may stand first, comments are skipped. It looks at bytes and changes
 * none, and copies only lines that span chunks. Scope: one stream.
 */
export class SseParser {
  readonly #onEvent: (event: SseEvent) => void;
  readonly #maxEventBytes: number;
  readonly #line: LineStart;
  #mayFollowCr = false;
  #isFirstLine = true;
  #name = "";
  #id = "";
  #data: string[] = [];
  #dataLength = 0;
  #isTruncated = false;
  #boundary = 0;

  constructor({ onEvent, maxEventBytes = DEFAULT_MAX_EVENT_BYTES }: SseParserOptions) {
    this.#onEvent = onEvent;
    this.#maxEventBytes = maxEventBytes;
    this.#line = new LineStart(maxEventBytes);
  }

  /** Offset, in the chunk pushed last, behind its last blank line: no event and no comment is open there. */
  get boundary(): number {
    return this.#boundary;
  }

  push(chunk: Uint8Array): void {
    this.#boundary = 0;
    if (chunk.byteLength === 0) return;
    const bytes = asBuffer(chunk);
    let start = this.#mayFollowCr && bytes[0] === LF ? 1 : 0;
    this.#mayFollowCr = false;
    let lf = bytes.indexOf(LF, start);
    let cr = bytes.indexOf(CR, start);
    while (lf >= 0 || cr >= 0) {
      const isCr = cr >= 0 && (lf < 0 || cr < lf);
      const end = isCr ? cr : lf;
      const next = isCr && bytes[end + 1] === LF ? end + 2 : end + 1;
      this.#mayFollowCr = isCr && next === bytes.length && next === end + 1;
      this.#takeLine(bytes, { start, end, next });
      start = next;
      if (lf >= 0 && lf < start) lf = bytes.indexOf(LF, start);
      if (cr >= 0 && cr < start) cr = bytes.indexOf(CR, start);
    }
    if (start < bytes.length) this.#line.keep(bytes, start, bytes.length);
  }

  /**
   * Takes the end of the stream. The standard drops an event without its blank line; senders forget the
   * last one, and most readers take it all the same, so it is reported.
   */
  end(): void {
    this.#takeLine(EMPTY, { start: 0, end: 0, next: 0 });
    this.#dispatch(0);
  }

  #takeLine(bytes: Buffer, { start, end, next }: LineBounds): void {
    if (start === end && this.#line.isEmpty) {
      this.#isFirstLine = false;
      this.#boundary = next;
      this.#dispatch(next);
      return;
    }
    const { text, isCut } = this.#line.complete(bytes, start, end);
    if (isCut) this.#isTruncated = true;
    const isFirst = this.#isFirstLine;
    this.#isFirstLine = false;
    // A BOM alone on the first line leaves an empty line, which ends no event.
    this.#field(isFirst && text.startsWith(BOM) ? text.slice(1) : text);
  }

  #field(line: string): void {
    if (line.charCodeAt(0) === COLON) return;
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "data") this.#takeData(value);
    else if (name === "event") this.#name = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }

  #takeData(value: string): void {
    const room = this.#maxEventBytes - this.#dataLength;
    // A line feed counts too, or endless empty lines would be held for nothing.
    this.#dataLength += value.length + 1;
    if (room <= value.length) this.#isTruncated = true;
    if (room > 0) this.#data.push(value.length > room ? value.slice(0, room) : value);
  }

  #dispatch(endsAt: number): void {
    const data = this.#data;
    const [first] = data;
    if (first !== undefined) {
      this.#onEvent({
        event: this.#name,
        data: data.length === 1 ? first : data.join("\n"),
        id: this.#id,
        isTruncated: this.#isTruncated,
        endsAt,
      });
      this.#data = [];
      this.#dataLength = 0;
    }
    this.#name = "";
    this.#isTruncated = false;
  }
}

interface LineBounds {
  readonly start: number;
  readonly end: number;
  /** Where the next line begins. */
  readonly next: number;
}

const EMPTY = Buffer.alloc(0);

/** The beginning of a line whose end is still to come. Scope: one parser. */
class LineStart {
  readonly #limitBytes: number;
  #bytes: Buffer = EMPTY;
  #length = 0;
  #isCut = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  keep(bytes: Buffer, start: number, end: number): void {
    const size = Math.min(end - start, this.#limitBytes - this.#length);
    if (size < end - start) this.#isCut = true;
    if (this.#length + size > this.#bytes.length) this.#grow(this.#length + size);
    bytes.copy(this.#bytes, this.#length, start, start + size);
    this.#length += size;
  }

  /** The whole line, from what was kept and from what ends it. */
  complete(bytes: Buffer, start: number, end: number): { text: string; isCut: boolean } {
    if (this.#length === 0) return { text: bytes.toString("utf8", start, end), isCut: false };
    this.keep(bytes, start, end);
    const line = { text: this.#bytes.toString("utf8", 0, this.#length), isCut: this.#isCut };
    this.#length = 0;
    this.#isCut = false;
    return line;
  }

  // Doubled, so that a line that comes byte by byte is not copied for every byte.
  #grow(neededBytes: number): void {
    const grown = Buffer.allocUnsafe(Math.max(256, neededBytes, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk)
    ? chunk
    : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
