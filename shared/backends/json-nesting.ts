import { asBuffer } from "../core/bytes.ts";

const [QUOTE = 0, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] =
  Buffer.from('"\\{}[]');
const SPACE = 0x20;
// A search by the runtime costs as much as a look at so many bytes, and then little more for many.
const PLAIN_BYTES = 64;
const SEARCHED_BYTES = 1024;
const SIGN = /["{}[\]]/;

/**
 * Follows what JSON text opens and closes. In UTF-8 no byte of a longer character looks like one of JSON's own.
 * Nearly every answer passes here: long strings and long rows of numbers are not looked at byte by byte.
 * Scope: one text.
 */
export class JsonNesting {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #hasOpened = false;
  #hasBegun: boolean | undefined;

  /** Whether an object or a list is the first that has come. */
  get hasBegun(): boolean {
    return this.#hasBegun === true;
  }

  /** Whether an object or a list has come, and nothing of it is missing. */
  get isWhole(): boolean {
    return this.#hasOpened && this.isClosed;
  }

  get isClosed(): boolean {
    return this.#depth === 0 && !this.#isInString;
  }

  push(chunk: Uint8Array): void {
    const bytes = asBuffer(chunk);
    this.#hasBegun ??= beginning(bytes);
    let at = this.#isInString ? this.#behindString(bytes, 0) : 0;
    let depth = this.#depth;
    for (let plain = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        at = this.#behindString(bytes, at + 1) - 1;
        plain = 0;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#hasOpened = true;
        depth += 1;
        plain = 0;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
        plain = 0;
      } else if (++plain > PLAIN_BYTES) at = beforeNextSign(bytes, at);
    }
    this.#depth = depth;
  }

  /** The offset behind the string that goes on at one; the bytes' end where it goes on behind them. */
  #behindString(bytes: Buffer, from: number): number {
    let isEscaped = this.#isEscaped;
    for (let at = from, plain = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (isEscaped) isEscaped = false;
      else if (byte === BACKSLASH) {
        isEscaped = true;
        plain = 0;
      } else if (byte === QUOTE) {
        this.#isInString = false;
        this.#isEscaped = false;
        return at + 1;
      } else if (++plain > PLAIN_BYTES) at = beforeNextQuote(bytes, at);
    }
    this.#isInString = true;
    this.#isEscaped = isEscaped;
    return bytes.length;
  }
}

/** Undefined where nothing but white space has come. */
function beginning(bytes: Buffer): boolean | undefined {
  const first = bytes.find((byte) => byte > SPACE);
  return first === undefined ? undefined : first === OPEN_BRACE || first === OPEN_BRACKET;
}

function beforeNextSign(bytes: Buffer, at: number): number {
  const searched = bytes.toString("latin1", at, at + SEARCHED_BYTES);
  const found = searched.search(SIGN);
  return at + (found < 0 ? searched.length : found) - 1;
}

/** Before the backslashes too, for these decide what the quote is. */
function beforeNextQuote(bytes: Buffer, at: number): number {
  const quote = bytes.indexOf(QUOTE, at);
  let end = quote < 0 ? bytes.length : quote;
  while (bytes[end - 1] === BACKSLASH && end > at + 1) end -= 1;
  return end - 1;
}
