import { endOfLastEvent, endOfLine, WholeEvents } from "./whole-events.ts";

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
  /**
   * What an event's bytes must hold, taken for Latin-1, for the event to be read: a global pattern, asked
   * for before each event; undefined where every event matters. Most events of a stream matter to nobody,
   * and a search through many costs less than the reading of one.
   */
  readonly telling?: () => RegExp | undefined;
  /** Takes the bytes of whole events, each as a Latin-1 character, before any of them is read. */
  readonly onBytes?: (events: string) => void;
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
 * none, and copies only events that span chunks. Scope: one stream.
 */
export class SseParser {
  readonly #onEvent: SseParserOptions["onEvent"];
  readonly #telling: SseParserOptions["telling"];
  readonly #onBytes: SseParserOptions["onBytes"];
  readonly #maxEventBytes: number;
  readonly #whole: WholeEvents;
  #isFirstLine = true;
  #name = "";
  #id = "";
  #data: string[] = [];
  #dataLength = 0;
  #isTruncated = false;
  #boundary = 0;

  constructor({
    onEvent,
    telling,
    onBytes,
    maxEventBytes = DEFAULT_MAX_EVENT_BYTES,
  }: SseParserOptions) {
    this.#onEvent = onEvent;
    this.#telling = telling;
    this.#onBytes = onBytes;
    this.#maxEventBytes = maxEventBytes;
    this.#whole = new WholeEvents(maxEventBytes);
  }

  /** Offset, in the chunk pushed last, behind its last blank line: no event and no comment is open there. */
  get boundary(): number {
    return this.#boundary;
  }

  push(chunk: Uint8Array): void {
    this.#boundary = 0;
    for (const { bytes, startsAt, isOpen, isRest } of this.#whole.push(chunk)) {
      if (!isOpen) this.#boundary = startsAt + bytes.length;
      // Of an event in parts the first says enough.
      if (isRest) continue;
      this.#isTruncated = isOpen;
      this.#read(bytes, startsAt);
    }
  }

  /**
   * Takes the end of the stream. The standard drops an event without its blank line; senders forget the
   * last one, and most readers take it all the same, so it is reported.
   */
  end(): void {
    const rest = this.#whole.end();
    if (rest.length > 0) this.#read(rest, -rest.length);
  }

  #read(bytes: Buffer, startsAt: number): void {
    let text = this.#onBytes ? bytes.toString("latin1") : "";
    this.#onBytes?.(text);
    for (let at = 0; at < bytes.length; ) {
      const telling = this.#isFirstLine ? undefined : this.#telling?.();
      if (telling) {
        text ||= bytes.toString("latin1");
        telling.lastIndex = at;
        if (!telling.test(text)) return;
        at = endOfLastEvent(bytes.subarray(0, telling.lastIndex - 1), at);
      }
      at = this.#readEvent(bytes, at, startsAt);
    }
  }

  /** Gives the offset behind the event. */
  #readEvent(bytes: Buffer, from: number, startsAt: number): number {
    let start = from;
    for (let isOver = false; !isOver && start < bytes.length; ) {
      const lineEnd = endOfLine(bytes, start);
      const end = lineEnd < 0 ? bytes.length : lineEnd;
      isOver = end === start;
      if (!isOver && bytes[start] !== COLON) this.#takeLine(bytes.toString("utf8", start, end));
      this.#isFirstLine = false;
      start = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
    }
    this.#dispatch(startsAt + Math.min(start, bytes.length));
    return start;
  }

  /** A BOM alone on the first line leaves an empty line, which ends no event. */
  #takeLine(text: string): void {
    const line = this.#isFirstLine && text.startsWith(BOM) ? text.slice(1) : text;
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
