import { once } from "node:events";
import type { Transform } from "node:stream";
import zlib from "node:zlib";

/** Makes what decodes a body that begins with these bytes. */
type Decoder = (first: Uint8Array) => Transform;

// Zstandard came with Node 22.15: https://nodejs.org/api/zlib.html#zlibcreatezstddecompressoptions
const DECODERS: Readonly<Record<string, Decoder | undefined>> = {
  gzip: () => zlib.createGunzip(),
  "x-gzip": () => zlib.createGunzip(),
  // Some senders leave the frame away that belongs around it, and every reader takes that.
  deflate: ([first = 0]) =>
    (first & METHOD_BITS) === DEFLATE ? zlib.createInflate() : zlib.createInflateRaw(),
  br: () => zlib.createBrotliDecompress(),
  ...(zlib.createZstdDecompress === undefined ? {} : { zstd: () => zlib.createZstdDecompress() }),
};

// https://www.rfc-editor.org/rfc/rfc1950#section-2.2
const [METHOD_BITS, DEFLATE] = [0x0f, 0x08];

// The copy waits for nobody: what comes faster than it can be decoded ends the look at it.
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
// A small answer may unpack to gigabytes; reading stops long before that.
const MAX_DECODED_BYTES = 64 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);

// Two is what a proxy makes of what was coded already; who names more asks for work alone.
const MAX_CODINGS = 4;

/** Takes bytes; `end` tells whether all of them could be read. */
interface Taker {
  push(bytes: Uint8Array): void;
  end(): Promise<boolean>;
}

/** Decodes a copy of a compressed body beside its way to the client. Scope: one coding of one answer. */
export class DecodedCopy implements Taker {
  readonly #open: Decoder;
  readonly #next: Taker;
  #decoder: Transform | undefined;
  #decodedBytes = 0;
  #hasFailed = false;

  private constructor(open: Decoder, next: Taker) {
    this.#open = open;
    this.#next = next;
  }

  /** For codings in the order in which they were applied; undefined where this process cannot read one. */
  static of(codings: readonly string[], onBytes: (bytes: Uint8Array) => void): Taker | undefined {
    if (codings.length > MAX_CODINGS) return undefined;
    let taker: Taker = { push: onBytes, end: async () => true };
    for (const coding of codings) {
      const decoder = DECODERS[coding];
      if (!decoder) return undefined;
      taker = new DecodedCopy(decoder, taker);
    }
    return taker;
  }

  push(chunk: Uint8Array): void {
    if (this.#hasFailed || chunk.byteLength === 0) return;
    this.#decoder ??= this.#begin(chunk);
    const waitingBytes = this.#decoder.writableLength + chunk.byteLength;
    if (waitingBytes > MAX_WAITING_BYTES) this.#stop();
    else this.#decoder.write(chunk);
  }

  /** Resolves when all that could be decoded was handed over; tells whether that was everything. */
  async end(): Promise<boolean> {
    const isAll = await this.#end();
    return (await this.#next.end()) && isAll;
  }

  async #end(): Promise<boolean> {
    if (this.#hasFailed) return false;
    if (!this.#decoder) return true;
    const decoder = this.#decoder;
    const closed = once(decoder, "close").catch(() => {});
    // Told of the end with a chunk before it, it gives nothing of that where it was not the last.
    await Promise.race([closed, new Promise((resolve) => decoder.write(NOTHING, resolve))]);
    decoder.end();
    await closed;
    return !this.#hasFailed;
  }

  #begin(first: Uint8Array): Transform {
    const decoder = this.#open(first);
    decoder.on("error", () => this.#stop());
    decoder.on("data", (bytes: Buffer) => {
      this.#decodedBytes += bytes.byteLength;
      if (this.#decodedBytes > MAX_DECODED_BYTES) this.#stop();
      else this.#next.push(bytes);
    });
    return decoder;
  }

  #stop(): void {
    this.#hasFailed = true;
    this.#decoder?.destroy();
  }
}
