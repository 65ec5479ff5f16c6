import { crc32 } from "node:zlib";
import { asBuffer } from "../core/bytes.ts";

/** What an answer of Amazon's is told as, where it is a stream of events that are no text. */
export const AMAZON_EVENTS = "application/vnd.amazon.eventstream";

// Lengths of the whole and of its headers, and a checksum of the two; behind the payload one of all before it.
// https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
const [PRELUDE_BYTES, LENGTHS_BYTES, CHECKSUM_BYTES] = [12, 8, 4];
// Events are some hundred bytes; what is far longer is nobody's report, and passes unread.
const MAX_HELD_BYTES = 1024 * 1024;
const FIRST_CAPACITY_BYTES = 1024;
const NOTHING = Buffer.alloc(0);

/** One event's payload, and whether its bytes are those that were sent: asked of the few that matter. */
export interface AmazonEvent {
  readonly payload: Buffer;
  isSound(): boolean;
}

/**
 * Cuts a stream of Amazon's binary events, however its bytes come. It looks at bytes and changes none;
 * only what crosses two chunks is copied. What does not look like such an event ends the look at the whole.
 * Scope: one stream.
 */
export class AmazonEvents {
  readonly #onEvent: (event: AmazonEvent) => void;
  #open: Buffer = NOTHING;
  #openBytes = 0;
  /** Of an event too long to be held, what is still to come. */
  #skippedBytes = 0;
  #isLost = false;

  constructor(onEvent: (event: AmazonEvent) => void) {
    this.#onEvent = onEvent;
  }

  push(chunk: Uint8Array): void {
    let rest = asBuffer(chunk);
    while (rest.length > 0 && !this.#isLost) {
      if (this.#skippedBytes > 0) {
        const skipped = Math.min(this.#skippedBytes, rest.length);
        this.#skippedBytes -= skipped;
        rest = rest.subarray(skipped);
      } else if (this.#openBytes > 0) rest = this.#fill(rest);
      else rest = this.#cut(rest);
    }
  }

  /** Takes as much as the event that is open lacks, its prelude first; gives what is left. */
  #fill(bytes: Buffer): Buffer {
    const open = this.#open.subarray(0, this.#openBytes);
    const known = open.length < PRELUDE_BYTES ? PRELUDE_BYTES : open.readUInt32BE(0);
    const taken = bytes.subarray(0, known - open.length);
    this.#append(taken);
    if (this.#openBytes === known) {
      const whole = this.#open.subarray(0, known);
      this.#open = NOTHING;
      this.#openBytes = 0;
      // The event, or its prelude alone, which is kept again now that it is known how long it is.
      this.#cut(whole);
    }
    return bytes.subarray(taken.length);
  }

  /** Reads an event where all of it is there. Gives what is left; nothing of one that is kept or skipped. */
  #cut(bytes: Buffer): Buffer {
    if (bytes.length < PRELUDE_BYTES) return this.#keep(bytes);
    const length = bytes.readUInt32BE(0);
    const payloadAt = PRELUDE_BYTES + bytes.readUInt32BE(4);
    const checksum = crc32(bytes.subarray(0, LENGTHS_BYTES));
    if (checksum !== bytes.readUInt32BE(LENGTHS_BYTES) || length < payloadAt + CHECKSUM_BYTES) {
      this.#isLost = true;
      return NOTHING;
    }
    if (length > bytes.length) {
      if (length <= MAX_HELD_BYTES) return this.#keep(bytes);
      this.#skippedBytes = length - bytes.length;
      return NOTHING;
    }
    const end = length - CHECKSUM_BYTES;
    this.#onEvent({
      payload: bytes.subarray(payloadAt, end),
      isSound: () => crc32(bytes.subarray(0, end)) === bytes.readUInt32BE(end),
    });
    return bytes.subarray(length);
  }

  #keep(bytes: Buffer): Buffer {
    this.#append(bytes);
    return NOTHING;
  }

  // Doubled, so that an event that comes byte by byte is not copied for every byte.
  #append(bytes: Buffer): void {
    const length = this.#openBytes + bytes.length;
    if (length > this.#open.length) {
      const grown = Buffer.allocUnsafe(
        Math.max(FIRST_CAPACITY_BYTES, length, this.#open.length * 2),
      );
      this.#open.copy(grown, 0, 0, this.#openBytes);
      this.#open = grown;
    }
    bytes.copy(this.#open, this.#openBytes);
    this.#openBytes = length;
  }
}
