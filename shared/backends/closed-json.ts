import { BackendFailure } from "./backend-failure.ts";

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [
  ...Buffer.from('"\\{}[]'),
];

/**
 * JSON that throws where it ends before all that it opened is closed, and ends where it is, however its
 * transport does: for those whose end proves nothing. Passes every byte as it comes.
 */
export async function* closedJson(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const nesting = new JsonNesting();
  try {
    for await (const chunk of source) {
      nesting.push(chunk);
      yield chunk;
    }
  } catch (error) {
    const isCut = error instanceof BackendFailure && error.kind === "truncated";
    if (!isCut || !nesting.isWhole) throw error;
  }
  if (nesting.isClosed) return;
  throw new BackendFailure("truncated", "The answer ended within its JSON.", {
    mayHaveBegun: true,
  });
}

/** Follows what JSON text opens and closes. In UTF-8 no byte of a longer character looks like one of JSON's own. Scope: one text. */
class JsonNesting {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #hasOpened = false;

  /** Whether an object or a list has come, and nothing of it is missing. */
  get isWhole(): boolean {
    return this.#hasOpened && this.isClosed;
  }

  get isClosed(): boolean {
    return this.#depth === 0 && !this.#isInString;
  }

  push(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (this.#isInString) this.#inString(byte);
      else if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#open();
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth -= 1;
    }
  }

  #open(): void {
    this.#hasOpened = true;
    this.#depth += 1;
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }
}
