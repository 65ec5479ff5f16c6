import { EventBytes, type ReadEvent } from "./event-bytes.ts";
import { isSignal } from "./event-signals.ts";
import { SseEvent } from "./sse-event.ts";
import { endOfLastEvent, endOfLine, WholeEvents } from "./whole-events.ts";

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
  /** What whole events are to be before anybody looks at them: shorter or the same, each byte a Latin-1 character. */
  readonly rewrite?: ((events: string) => string) | undefined;
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
  readonly #rewrite: SseParserOptions["rewrite"];
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
    rewrite,
    maxEventBytes = DEFAULT_MAX_EVENT_BYTES,
  }: SseParserOptions) {
    this.#onEvent = onEvent;
    this.#telling = telling;
    this.#onBytes = onBytes;
    this.#rewrite = rewrite;
    this.#maxEventBytes = maxEventBytes;
    this.#whole = new WholeEvents(maxEventBytes);
  }

  /** Offset, in the chunk pushed last, behind its last blank line: no event and no comment is open there. */
  get boundary(): number {
    return this.#boundary;
  }

  /** Gives the events' bytes, cut for others who look into the same chunk. */
  push(chunk: Uint8Array): readonly EventBytes[] {
    const parts = this.#rewritten(this.#whole.push(chunk));
    this.take(parts);
    return parts;
  }

  /** Where events are rewritten, offsets are those of what they became. */
  #rewritten(parts: readonly EventBytes[]): readonly EventBytes[] {
    const rewrite = this.#rewrite;
    if (!rewrite) return parts;
    let at = 0;
    return parts.map((part) => {
      const rewritten = part.rewritten(rewrite, at);
      at += rewritten.bytes.length;
      return rewritten;
    });
  }

  /** Takes a chunk that another parser was given, as that has cut it. */
  take(parts: readonly EventBytes[]): void {
    this.#boundary = 0;
    for (const part of parts) {
      if (!part.isOpen) this.#boundary = part.startsAt + part.bytes.length;
      // Of an event in parts the first says enough.
      if (part.isRest) continue;
      this.#isTruncated = part.isOpen;
      this.#read(part);
    }
  }

  /**
   * Takes the end of the stream. The standard drops an event without its blank line; senders forget the
   * last one, and most readers take it all the same, so it is reported. Gives what was left, as `push` does.
   */
  end(): readonly EventBytes[] {
    const bytes = this.#whole.end();
    if (bytes.length === 0) return [];
    const parts = this.#rewritten([new EventBytes(bytes, { startsAt: -bytes.length })]);
    for (const rest of parts) this.#read(rest);
    return parts;
  }

  #read(part: EventBytes): void {
    this.#onBytes?.(part.text);
    const { bytes } = part;
    for (let at = 0; at < bytes.length; ) {
      const telling = this.#isFirstLine ? undefined : this.#telling?.();
      if (telling) {
        const from = isSignal(telling) ? part.signalAt : at;
        telling.lastIndex = Math.max(from, at);
        if (from < 0 || !telling.test(part.text)) return;
        at = endOfLastEvent(bytes.subarray(0, telling.lastIndex - 1), at);
      }
      const { event, next } = this.#eventAt(part, at);
      if (event) this.#onEvent(event);
      at = next;
    }
  }

  /** Who reads only what tells something may meet events that another has read for the same reason. */
  #eventAt(part: EventBytes, from: number): ReadEvent {
    const isShared = this.#telling !== undefined;
    const known = isShared ? part.known(from) : undefined;
    this.#isFirstLine &&= known === undefined;
    if (known) return known;
    const read = this.#readEvent(part, from);
    if (isShared) part.remember(from, read);
    return read;
  }

  #readEvent({ bytes, startsAt }: EventBytes, from: number): ReadEvent {
    let start = from;
    for (let isOver = false; !isOver && start < bytes.length; ) {
      const lineEnd = endOfLine(bytes, start);
      const end = lineEnd < 0 ? bytes.length : lineEnd;
      isOver = end === start;
      if (!isOver && bytes[start] !== COLON) this.#takeLine(bytes.toString("utf8", start, end));
      this.#isFirstLine = false;
      start = bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
    }
    return { event: this.#event(startsAt + Math.min(start, bytes.length)), next: start };
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

  /** The event that is over; none where it had no data. */
  #event(endsAt: number): SseEvent | undefined {
    const data = this.#data;
    const [first] = data;
    let event: SseEvent | undefined;
    if (first !== undefined) {
      event = new SseEvent({
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
    return event;
  }
}
