const LF = 0x0a;
const CR = 0x0d;
// A larger event goes out in pieces, and can be resumed at its beginning only.
const MAX_HELD_BYTES = 8 * 1024 * 1024;

/**
 * Cuts a stored event stream into its events, however its bytes come, and gives each event the id of
 * the place behind it, as the last field of all: that one counts for a reader, whatever the backend's own
 * ids are. Scope: one reader.
 */
export class SseFrames {
  readonly #stream: number;
  #held: Buffer = Buffer.alloc(0);
  /** Where in the stream the held bytes begin. */
  #offset: number;
  /** Whether the last byte that went out was within a line. */
  #isOpenLine = false;

  constructor(stream: number, offset: number) {
    this.#stream = stream;
    this.#offset = offset;
  }

  /** The place behind the last whole event: where a reader that leaves now goes on. */
  get id(): string {
    return frameId(this.#stream, this.#offset);
  }

  /** Where the next bytes are to be read. */
  get nextOffset(): number {
    return this.#offset + this.#held.byteLength;
  }

  /** Takes the next bytes, and returns all events that are whole now. */
  push(bytes: Buffer): Buffer {
    this.#held = this.#held.byteLength === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const whole = this.#takeWhole(false);
    if (this.#held.byteLength <= MAX_HELD_BYTES) return whole;
    // A CR stays: it may be half of a CRLF.
    const isCr = this.#held.at(-1) === CR;
    return Buffer.concat([whole, this.#letGo(this.#held.byteLength - (isCr ? 1 : 0))]);
  }

  /** What is left when nothing follows: an event whose sender forgot its blank line. */
  end(): Buffer {
    const whole = this.#takeWhole(true);
    const rest = this.#letGo(this.#held.byteLength);
    if (rest.byteLength === 0 && !this.#isOpenLine) return whole;
    const lineEnd = this.#isOpenLine ? "\n" : "";
    return Buffer.concat([whole, rest, Buffer.from(`${lineEnd}id: ${this.id}\n\n`)]);
  }

  #takeWhole(isEnd: boolean): Buffer {
    const frames: Uint8Array[] = [];
    for (;;) {
      const blank = nextBlank(this.#held, { isOpenLine: this.#isOpenLine, isEnd });
      if (!blank) return Buffer.concat(frames);
      frames.push(this.#letGo(blank.end).subarray(0, blank.start));
      frames.push(Buffer.from(`id: ${this.id}\n\n`));
      this.#isOpenLine = false;
    }
  }

  #letGo(count: number): Buffer {
    const bytes = this.#held.subarray(0, count);
    const last = bytes.at(-1);
    if (last !== undefined) this.#isOpenLine = last !== LF && last !== CR;
    this.#offset += count;
    this.#held = this.#held.subarray(count);
    return bytes;
  }
}

/** The id of a place in a stream. */
const frameId = (stream: number, offset: number): string => `${stream}-${offset}`;

interface Lines {
  /** Whether the bytes begin within a line. */
  readonly isOpenLine: boolean;
  readonly isEnd: boolean;
}

/** The first empty line; undefined while there is none, or while its end may still be to come. */
function nextBlank(
  bytes: Buffer,
  { isOpenLine, isEnd }: Lines,
): { start: number; end: number } | undefined {
  let line = isOpenLine ? -1 : 0;
  for (let at = 0; at < bytes.byteLength; at++) {
    const byte = bytes[at];
    if (byte !== LF && byte !== CR) continue;
    if (byte === CR && at + 1 === bytes.byteLength && !isEnd) return undefined;
    const next = byte === CR && bytes[at + 1] === LF ? at + 2 : at + 1;
    if (at === line) return { start: at, end: next };
    line = next;
    at = next - 1;
  }
  return undefined;
}
