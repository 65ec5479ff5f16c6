import type { CallLimit } from "./call-limit.ts";
import { withStorage } from "./storage-error.ts";

/** A blob's bytes, of which none may be waited for too long; a reader takes its time. Scope: one download. */
export class LimitedBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array, undefined>;
  readonly #limit: CallLimit;

  constructor(source: AsyncIterable<Uint8Array>, limit: CallLimit) {
    this.#source = source[Symbol.asyncIterator]();
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
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
