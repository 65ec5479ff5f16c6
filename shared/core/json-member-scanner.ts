/** A member of a JSON object's top level whose value is no object and no array. */
export interface JsonMember {
  readonly name: string;
  /** The value as it was written. */
  readonly text: string;
  /** Offsets of the value's first byte, and of the first behind it. */
  readonly start: number;
  readonly end: number;
}

// Longer names and values are none that anybody asks for.
const MAX_TOKEN_BYTES = 512;
const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const SPACE = 0x20;

/**
 * Finds members of a JSON text that comes in pieces and is too large to be held. Works on bytes: in UTF-8
 * no byte of a longer character looks like one of JSON's own. Scope: one text.
 */
export class JsonMemberScanner {
  readonly #names: ReadonlySet<string>;
  readonly #found: JsonMember[] = [];
  readonly #token = Buffer.allocUnsafe(MAX_TOKEN_BYTES);
  #tokenLength = 0;
  #tokenStart = -1;
  #at = 0;
  #depth = 0;
  #isObject: boolean | undefined;
  #isInString = false;
  #isEscaped = false;
  #lastString: string | undefined;
  /** The member whose value comes next. */
  #name: string | undefined;

  constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  push(bytes: Uint8Array): void {
    if (this.#isObject === false) return;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0;
      if (this.#isInString) this.#takeInString(byte);
      else this.#take(byte);
      this.#at += 1;
    }
  }

  /** What was found, in its order; nothing where the text is no whole object. */
  end(): readonly JsonMember[] {
    return this.#isObject && this.#depth === 0 && !this.#isInString ? this.#found : [];
  }

  // Nearly all bytes of a large text are here, so this does next to nothing.
  #takeInString(byte: number): void {
    if (this.#tokenStart >= 0) this.#keep(byte);
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#isInString = false;
      if (this.#tokenStart >= 0) this.#endToken(this.#at + 1);
    }
  }

  #take(byte: number): void {
    if (byte <= SPACE) {
      this.#endScalar();
      return;
    }
    this.#isObject ??= byte === OPEN_BRACE;
    if (byte === QUOTE) {
      this.#isInString = true;
      if (this.#depth === 1) this.#beginToken(byte);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      this.#depth += 1;
      this.#name = undefined;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      this.#endScalar();
      this.#depth -= 1;
    } else if (this.#depth === 1) this.#takeAtTop(byte);
  }

  #takeAtTop(byte: number): void {
    if (byte === COLON) this.#name = this.#lastString;
    else if (byte === COMMA) {
      this.#endScalar();
      this.#name = undefined;
    } else if (this.#tokenStart < 0) this.#beginToken(byte);
    else this.#keep(byte);
  }

  #beginToken(byte: number): void {
    this.#tokenStart = this.#at;
    this.#tokenLength = 0;
    this.#keep(byte);
  }

  #keep(byte: number): void {
    if (this.#tokenLength < MAX_TOKEN_BYTES) this.#token[this.#tokenLength] = byte;
    this.#tokenLength += 1;
  }

  #endScalar(): void {
    if (this.#tokenStart >= 0) this.#endToken(this.#at);
  }

  #endToken(end: number): void {
    const start = this.#tokenStart;
    this.#tokenStart = -1;
    const isWhole = this.#tokenLength <= MAX_TOKEN_BYTES;
    const text = isWhole ? this.#token.toString("utf8", 0, this.#tokenLength) : "";
    const name = this.#name;
    this.#name = undefined;
    if (name === undefined) this.#lastString = unquoted(text);
    else if (isWhole && this.#names.has(name)) this.#found.push({ name, text, start, end });
  }
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
