import type { Cancel, Clock } from "../../core/clock.ts";
import { GatewayError } from "../../core/errors.ts";
import type { AppendLog } from "../../storage/index.ts";

// A blob takes 50,000 blocks of 4 MiB at most. Blocks grow with their number: a stream of a quarter of
// an hour is seen at once, and one of two days still fits.
// https://learn.microsoft.com/rest/api/storageservices/append-block
const MAX_BLOCKS = 50_000;
const MAX_BLOCK_BYTES = 4 * 1024 * 1024;
const BLOCKS_PER_STEP = 10_000;
const FIRST_DELAY_MS = 150;
const DELAY_GROWTH = 3;
const FIRST_BATCH_BYTES = 128 * 1024;
const BATCH_GROWTH = 2;

/** Writes a body into a log as it comes, and returns its size. */
export async function writeStreamLog(
  log: AppendLog,
  body: AsyncIterable<Uint8Array>,
  clock: Clock,
): Promise<number> {
  const batch = new LogBatch(log, clock);
  try {
    for await (const chunk of body) await batch.add(chunk);
    await batch.flush();
    return batch.sizeBytes;
  } finally {
    batch.stop();
  }
}

/** How long the first byte of a batch may wait, and how many bytes a batch may have, so many blocks on. */
export function batchLimits(blocks: number): { delayMs: number; bytes: number } {
  const step = Math.floor(blocks / BLOCKS_PER_STEP);
  return {
    delayMs: FIRST_DELAY_MS * DELAY_GROWTH ** step,
    bytes: FIRST_BATCH_BYTES * BATCH_GROWTH ** step,
  };
}

/** Gathers chunks into blocks. Scope: one stream. */
class LogBatch {
  readonly #log: AppendLog;
  readonly #clock: Clock;
  #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  #blocks = 0;
  #writing: Promise<void> = Promise.resolve();
  #cancelTimer: Cancel | undefined;
  sizeBytes = 0;

  constructor(log: AppendLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Takes a chunk; its sender waits while more is held than a block may have. */
  async add(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.byteLength;
    this.sizeBytes += chunk.byteLength;
    const { delayMs, bytes } = batchLimits(this.#blocks);
    if (this.#heldBytes >= bytes) return this.flush();
    this.#cancelTimer ??= this.#clock.schedule(delayMs, () => {
      // A failure stays in `#writing`, and meets whoever flushes next.
      this.flush().catch(() => {});
    });
  }

  /** Writes what is held; rejects when this, or anything before it, could not be written. */
  flush(): Promise<void> {
    this.stop();
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  async #write(): Promise<void> {
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#heldBytes = 0;
    for (let at = 0; at < bytes.byteLength; at += MAX_BLOCK_BYTES) {
      if (this.#blocks === MAX_BLOCKS) {
        throw new GatewayError("backend-failed", "The stream is longer than a result may be.");
      }
      await this.#log.append(bytes.subarray(at, at + MAX_BLOCK_BYTES));
      this.#blocks += 1;
    }
  }
}
