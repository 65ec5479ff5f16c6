import { randomUUID } from "node:crypto";
import type { BlockBlobClient, BlockBlobUploadOptions } from "@azure/storage-blob";
import { withinLimit } from "./call-limit.ts";

// A blob has 50,000 blocks at most: 48 GB of these.
export const BLOCK_BYTES = 1024 * 1024;
const INDEX_DIGITS = 6;

export interface UploadOptions extends BlockBlobUploadOptions {
  /** How long the service may take for a block. */
  readonly timeoutMs: number;
}

/**
 * Uploads a body of any length and returns its size. Two blocks are held, one that is filled and one
 * that is sent, and the same two from beginning to end: what is allocated for each block would be
 * garbage for as long as a large body lasts. A body that breaks leaves no blob.
 */
export async function uploadBody(
  blob: BlockBlobClient,
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { timeoutMs, ...options }: UploadOptions,
): Promise<number> {
  const blocks = new Blocks(blob, timeoutMs);
  try {
    for await (const chunk of body) {
      for (let at = 0; at < chunk.byteLength; ) at += await blocks.take(chunk.subarray(at));
    }
  } finally {
    // The buffers are free, and no call is left behind, before anybody goes on.
    await blocks.settled();
  }
  return blocks.commit(options);
}

/** The blocks of one upload. Scope: one upload. */
class Blocks {
  readonly #blob: BlockBlobClient;
  readonly #timeoutMs: number;
  readonly #prefix = randomUUID();
  readonly #ids: string[] = [];
  #filling: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #spare: Buffer | undefined;
  #filled = 0;
  #sizeBytes = 0;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(blob: BlockBlobClient, timeoutMs: number) {
    this.#blob = blob;
    this.#timeoutMs = timeoutMs;
  }

  /** Takes what fits into the block, and returns how many bytes that were. */
  async take(bytes: Uint8Array): Promise<number> {
    if (this.#filled === BLOCK_BYTES) await this.#send();
    const part = bytes.subarray(0, BLOCK_BYTES - this.#filled);
    this.#filling.set(part, this.#filled);
    this.#filled += part.byteLength;
    this.#sizeBytes += part.byteLength;
    return part.byteLength;
  }

  settled(): Promise<unknown> {
    return this.#sending.catch(() => {});
  }

  async commit(options: BlockBlobUploadOptions): Promise<number> {
    await this.#sending;
    // What fits into one block needs one call.
    if (this.#ids.length === 0) {
      const bytes = this.#filling.subarray(0, this.#filled);
      await this.#call((abortSignal) =>
        this.#blob.upload(bytes, bytes.byteLength, { ...options, abortSignal }),
      );
      return this.#sizeBytes;
    }
    await this.#send();
    await this.#sending;
    await this.#call((abortSignal) =>
      this.#blob.commitBlockList(this.#ids, { ...options, abortSignal }),
    );
    return this.#sizeBytes;
  }

  async #send(): Promise<void> {
    await this.#sending;
    const index = String(this.#ids.length).padStart(INDEX_DIGITS, "0");
    const id = Buffer.from(`${this.#prefix}${index}`).toString("base64");
    this.#ids.push(id);
    const block = this.#filling;
    const bytes = block.subarray(0, this.#filled);
    this.#sending = this.#call((abortSignal) =>
      this.#blob.stageBlock(id, bytes, bytes.byteLength, { abortSignal }),
    );
    // Who waits for it sees the failure; until then it is nobody's.
    this.#sending.catch(() => {});
    this.#filling = this.#spare ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#spare = block;
    this.#filled = 0;
  }

  #call(call: (abortSignal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    return withinLimit(this.#timeoutMs, ({ signal }) => call(signal));
  }
}
