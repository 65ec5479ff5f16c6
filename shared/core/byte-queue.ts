interface Waiting {
  resolve(result: IteratorResult<Uint8Array, undefined>): void;
  reject(error: unknown): void;
}

export interface ByteQueueOptions {
  /** From this many waiting bytes on the writer is asked to pause. */
  readonly highWaterBytes: number;
  onPause(): void;
  onResume(): void;
  /** The reader wants no more. */
  onReturn(): void;
}

// Up to this size pieces that wait are read as one. Each piece costs every reader behind this queue a few
// promises, a look at its events and a chunk on the wire, which is far more than copying so little.
const MERGED_BYTES = 16 * 1024;

const END: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

/**
 * Bytes between a writer that is told to pause and one reader. What was written before an error is
 * read before the error is. Scope: one body.
 */
export class ByteQueue implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #options: ByteQueueOptions;
  #chunks: Uint8Array[] = [];
  #head = 0;
  #heldBytes = 0;
  #isPaused = false;
  #ended: { readonly error?: unknown } | undefined;
  #waiting: Waiting | undefined;
  #isWaking = false;
  #beginning: PromiseWithResolvers<void> | undefined;

  constructor(options: ByteQueueOptions) {
    this.#options = options;
  }

  /** Whether it has ended, and nothing is left to read. */
  get isEmpty(): boolean {
    return this.#ended !== undefined && this.#chunks.length === 0;
  }

  push(chunk: Uint8Array): void {
    if (this.#ended || chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#beginning?.resolve();
    this.#heldBytes += chunk.byteLength;
    if (this.#waiting) {
      this.#wake();
      return;
    }
    if (this.#isPaused || this.#heldBytes < this.#options.highWaterBytes) return;
    this.#isPaused = true;
    this.#options.onPause();
  }

  end(): void {
    this.#ended ??= {};
    this.#beginning?.resolve();
    this.#wake();
  }

  /** Ends with an error; a reader learns of it after what is still held. */
  fail(error: unknown): void {
    this.#ended ??= { error };
    this.#beginning?.reject(error);
    this.#wake();
  }

  /** Drops what is held. */
  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#heldBytes = 0;
  }

  /** Resolves when there are bytes to read, or the end of an empty body; to be called before reading. */
  async begun(): Promise<void> {
    if (this.#chunks.length > 0) return;
    if (!this.#ended) {
      this.#beginning = Promise.withResolvers();
      return this.#beginning.promise;
    }
    if ("error" in this.#ended) throw this.#ended.error;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const value = this.#shift();
    if (value) return Promise.resolve({ done: false, value });
    if (!this.#ended) {
      return new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    }
    return "error" in this.#ended ? Promise.reject(this.#ended.error) : Promise.resolve(END);
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#options.onReturn();
    return Promise.resolve(END);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * The writer goes on before the reader does: what one read of a socket brings, it writes in one go, and
   * the reader is to find all of it.
   */
  #wake(): void {
    if (!this.#waiting || this.#isWaking) return;
    this.#isWaking = true;
    queueMicrotask(() => {
      this.#isWaking = false;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting) this.#answer(waiting);
    });
  }

  #answer(reader: Waiting): void {
    const value = this.#shift();
    if (value) reader.resolve({ done: false, value });
    else if (!this.#ended) this.#waiting = reader;
    else if ("error" in this.#ended) reader.reject(this.#ended.error);
    else reader.resolve(END);
  }

  #shift(): Uint8Array | undefined {
    const chunk = this.#nextChunk();
    if (!chunk) return undefined;
    this.#heldBytes -= chunk.byteLength;
    if (this.#head === this.#chunks.length) {
      this.#chunks = [];
      this.#head = 0;
    }
    if (this.#isPaused && this.#heldBytes === 0) {
      this.#isPaused = false;
      this.#options.onResume();
    }
    return chunk;
  }

  #nextChunk(): Uint8Array | undefined {
    const first = this.#chunks[this.#head];
    if (!first) return undefined;
    let end = this.#head + 1;
    let size = first.byteLength;
    for (let next = this.#chunks[end]; next; next = this.#chunks[++end]) {
      if (size + next.byteLength > MERGED_BYTES) break;
      size += next.byteLength;
    }
    const start = this.#head;
    this.#head = end;
    return end === start + 1 ? first : Buffer.concat(this.#chunks.slice(start, end), size);
  }
}
