import type { JobUsage } from "../../jobs/index.ts";
import { type AnswerUsage, UsageReader } from "../../usage/index.ts";
import { UNKNOWN_USAGE } from "../calls/answer-watch.ts";
import type { OpenAnswer } from "./open-answer.ts";

/**
 * Reads along what an answer says it used while its bytes are kept for a caller who reads them later.
 * Scope: one answer.
 */
export class KeptUsage {
  readonly #reader: UsageReader | undefined;
  readonly #slot: OpenAnswer["usage"];

  /** One that is watched where it came from is not read twice: there more may be seen than is kept. */
  constructor({ headers, usage }: Pick<OpenAnswer, "headers" | "usage">) {
    this.#slot = usage;
    this.#reader = usage?.current ? undefined : new UsageReader(headers);
  }

  /** The same bytes, looked at as they pass. */
  async *of(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) {
      this.#reader?.read(chunk);
      yield chunk;
    }
  }

  /** What the answer used, once all of it was kept. */
  async end(): Promise<AnswerUsage> {
    const watched = await this.#slot?.current?.usage();
    return watched ?? (await this.#reader?.end(true)) ?? UNKNOWN_USAGE;
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
