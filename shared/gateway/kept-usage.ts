import type { HeaderList } from "../core/headers.ts";
import type { JobUsage } from "../jobs/index.ts";
import { type AnswerUsage, UsageReader } from "../usage/index.ts";

/**
 * Reads along what an answer says it used while its bytes are kept for a caller who reads them later.
 * Scope: one answer.
 */
export class KeptUsage {
  readonly #reader: UsageReader;

  constructor(headers: HeaderList) {
    this.#reader = new UsageReader(headers);
  }

  /** The same bytes, looked at as they pass. */
  async *of(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) {
      this.#reader.read(chunk);
      yield chunk;
    }
  }

  /** What the answer used, once all of it was kept. */
  async end(): Promise<JobUsage> {
    return toJobUsage(await this.#reader.end(true));
  }
}

/** What of an answer's usage may be stored: no word of what was said. */
export function toJobUsage({ provenance, tokens, model }: AnswerUsage): JobUsage {
  return {
    provenance,
    ...(tokens ? { tokens } : {}),
    ...(model === undefined ? {} : { model }),
  };
}
