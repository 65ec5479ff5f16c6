import type { Readable } from "node:stream";
import type { CallLimit } from "./call-limit.ts";
import { withStorage } from "./storage-error.ts";

/** A blob's bytes, of which none may be waited for too long; a reader takes its time. Scope: one download. */
export class LimitedBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #download: Readable;
  readonly #source: AsyncIterator<Uint8Array, undefined>;
  readonly #limit: CallLimit;

  constructor(download: Readable, limit: CallLimit) {
    this.#download = download;
    this.#source = download[Symbol.asyncIterator]();
    this.#limit = limit;
    limit.pause();
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const limit = this.#limit;
    return withStorage("Reading a blob", async () => {
      limit.restart();
      try {
        return await this.#source.next();
      } catch (error) {
        throw limit.signal.aborted ? limit.signal.reason : error;
      } finally {
        limit.pause();
      }
    });
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    // The stream's own iterator leaves its connection open where nothing was read of it.
    this.#download.destroy();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
