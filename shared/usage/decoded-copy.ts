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

/** Decodes a copy of a compressed body beside its way to the client. Scope: one answer. */
export class DecodedCopy {
  readonly #open: Decoder;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #decoder: Transform | undefined;
  #decodedBytes = 0;
  #hasFailed = false;

  private constructor(open: Decoder, onBytes: (bytes: Uint8Array) => void) {
    this.#open = open;
    this.#onBytes = onBytes;
  }

  /** Undefined for a coding that this process cannot read. */
  static of(coding: string, onBytes: (bytes: Uint8Array) => void): DecodedCopy | undefined {
    const decoder = DECODERS[coding];
    return decoder && new DecodedCopy(decoder, onBytes);
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
      else this.#onBytes(bytes);
    });
    return decoder;
  }

  #stop(): void {
    this.#hasFailed = true;
    this.#decoder?.destroy();
  }
}
