import { once } from "node:events";
import type { Transform } from "node:stream";
import zlib from "node:zlib";

type Decoder = () => Transform;

// Zstandard came with Node 22.15: https://nodejs.org/api/zlib.html#zlibcreatezstddecompressoptions
const DECODERS: Readonly<Record<string, Decoder | undefined>> = {
  gzip: zlib.createGunzip,
  "x-gzip": zlib.createGunzip,
  deflate: zlib.createInflate,
  br: zlib.createBrotliDecompress,
  zstd: zlib.createZstdDecompress as Decoder | undefined,
};

// The copy waits for nobody: what comes faster than it can be decoded ends the look at it.
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
// A small answer may unpack to gigabytes; reading stops long before that.
const MAX_DECODED_BYTES = 64 * 1024 * 1024;

/** Decodes a copy of a compressed body beside its way to the client. Scope: one answer. */
export class DecodedCopy {
  readonly #decoder: Transform;
  #decodedBytes = 0;
  #hasFailed = false;

  private constructor(decoder: Transform, onBytes: (bytes: Uint8Array) => void) {
    this.#decoder = decoder;
    decoder.on("error", () => this.#stop());
    decoder.on("data", (bytes: Buffer) => {
      this.#decodedBytes += bytes.byteLength;
      if (this.#decodedBytes > MAX_DECODED_BYTES) this.#stop();
      else onBytes(bytes);
    });
  }

  /** Undefined for a coding that this process cannot read. */
  static of(coding: string, onBytes: (bytes: Uint8Array) => void): DecodedCopy | undefined {
    const decoder = DECODERS[coding];
    return decoder && new DecodedCopy(decoder(), onBytes);
  }

  push(chunk: Uint8Array): void {
    if (this.#hasFailed) return;
    const waitingBytes = this.#decoder.writableLength + chunk.byteLength;
    if (waitingBytes > MAX_WAITING_BYTES) this.#stop();
    else this.#decoder.write(chunk);
  }

  /** Resolves when all that could be decoded was handed over; tells whether that was everything. */
  async end(): Promise<boolean> {
    if (this.#hasFailed) return false;
    const closed = once(this.#decoder, "close").catch(() => {});
    this.#decoder.end();
    await closed;
    return !this.#hasFailed;
  }

  #stop(): void {
    this.#hasFailed = true;
    this.#decoder.destroy();
  }
}
