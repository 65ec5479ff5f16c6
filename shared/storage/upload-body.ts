import { randomUUID } from "node:crypto";
import type { BlockBlobClient, BlockBlobUploadOptions } from "@azure/storage-blob";

// A blob has 50,000 blocks at most: 48 GB of these.
const BLOCK_BYTES = 1024 * 1024;
const INDEX_DIGITS = 6;

/**
 * Uploads a body of any length and returns its size. Two blocks are held, one that is filled and one
 * that is sent, and the same two from beginning to end: what is allocated for each block would be
 * garbage for as long as a large body lasts. A body that breaks leaves no blob.
 */
export async function uploadBody(
  blob: BlockBlobClient,
  body: AsyncIterable<Uint8Array>,
  options: BlockBlobUploadOptions,
): Promise<number> {
  const blocks = new Blocks(blob);
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
  readonly #prefix = randomUUID();
  readonly #ids: string[] = [];
  #filling: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #spare: Buffer | undefined;
  #filled = 0;
  #sizeBytes = 0;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(blob: BlockBlobClient) {
    this.#blob = blob;
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
      await this.#blob.upload(this.#filling.subarray(0, this.#filled), this.#filled, options);
      return this.#sizeBytes;
    }
    await this.#send();
    await this.#sending;
    await this.#blob.commitBlockList(this.#ids, options);
    return this.#sizeBytes;
  }

  async #send(): Promise<void> {
    await this.#sending;
    const index = String(this.#ids.length).padStart(INDEX_DIGITS, "0");
    const id = Buffer.from(`${this.#prefix}${index}`).toString("base64");
    this.#ids.push(id);
    const block = this.#filling;
    this.#sending = this.#blob.stageBlock(id, block.subarray(0, this.#filled), this.#filled);
    // Who waits for it sees the failure; until then it is nobody's.
    this.#sending.catch(() => {});
    this.#filling = this.#spare ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#spare = block;
    this.#filled = 0;
  }
}
