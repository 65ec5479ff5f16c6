const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const SPACE = 0x20;

// Usage is a few hundred bytes; what is longer under its name is something else.
const MAX_VALUE_BYTES = 16 * 1024;
const MAX_NAME_BYTES = 64;

/**
 * Picks single fields of a JSON document of any length as its bytes pass: those of the outermost object,
 * or of the objects in an outermost array. Nothing else is held, and strings are skipped, not read: a
 * field's name within a text is no field. Scope: one document.
 */
export class JsonFields {
  readonly #names: ReadonlySet<string>;
  readonly #onField: (name: string, json: string) => void;
  #rootDepth = 1;
  #depth = 0;
  #hasStarted = false;
  #inString = false;
  #isEscaped = false;
  #expectsName = false;
  #name: string | undefined;
  /** The bytes of a name or of a wanted value; undefined while neither is read. */
  #held: number[] | undefined;

  constructor(names: ReadonlySet<string>, onField: (name: string, json: string) => void) {
    this.#names = names;
    this.#onField = onField;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#inString && !this.#held) at = this.#skipString(bytes, at);
      else this.#take(bytes[at++] ?? 0);
    }
  }

  /** Long texts are most of a document: only quotes and backslashes matter in them. */
  #skipString(bytes: Uint8Array, from: number): number {
    let at = from;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      at += 1;
    }
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === BACKSLASH) {
        at += 1;
        if (at >= bytes.length) this.#isEscaped = true;
      } else if (byte === QUOTE) {
        this.#inString = false;
        return at + 1;
      }
    }
    return at;
  }

  #take(byte: number): void {
    if (this.#inString) this.#takeInString(byte);
    else if (byte === QUOTE) this.#beginString();
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte);
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#close(byte);
    else if (byte === COMMA) this.#comma();
    else if (byte === COLON) this.#colon();
    else if (byte > SPACE) this.#hold(byte);
  }

  #beginString(): void {
    this.#inString = true;
    if (this.#expectsName) this.#held = [];
    else this.#hold(QUOTE);
  }

  #takeInString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#inString = false;
      if (this.#expectsName) {
        this.#nameRead();
        return;
      }
    }
    this.#hold(byte);
  }

  #nameRead(): void {
    const name = Buffer.from(this.#held ?? []).toString();
    this.#held = undefined;
    this.#expectsName = false;
    this.#name = this.#names.has(name) ? name : undefined;
  }

  #open(byte: number): void {
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      if (byte === OPEN_ARRAY) this.#rootDepth = 2;
    }
    this.#depth += 1;
    this.#hold(byte);
    if (this.#depth === this.#rootDepth && byte === OPEN_OBJECT) this.#expectsName = true;
  }

  #close(byte: number): void {
    if (this.#depth === this.#rootDepth) this.#valueRead();
    else this.#hold(byte);
    this.#depth -= 1;
    this.#expectsName = false;
  }

  #comma(): void {
    const isInside = this.#depth !== this.#rootDepth;
    if (isInside) this.#hold(COMMA);
    else this.#valueRead();
    this.#expectsName = !isInside;
  }

  #colon(): void {
    const isWanted = this.#depth === this.#rootDepth && this.#name !== undefined;
    if (isWanted && !this.#held) this.#held = [];
    else this.#hold(COLON);
  }

  #valueRead(): void {
    const name = this.#name;
    const held = this.#held;
    this.#name = undefined;
    this.#held = undefined;
    if (name !== undefined && held) this.#onField(name, Buffer.from(held).toString());
  }

  #hold(byte: number): void {
    if (!this.#held) return;
    this.#held.push(byte);
    const limit = this.#expectsName ? MAX_NAME_BYTES : MAX_VALUE_BYTES;
    if (this.#held.length <= limit) return;
    // Too long to be what is looked for; as a name it can match nothing, as a value it is let go.
    if (this.#expectsName) this.#held.length = MAX_NAME_BYTES;
    else this.#held = undefined;
  }
}
