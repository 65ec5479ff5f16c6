import type { GatewayResponse, ResponseBody } from "../core/http.ts";
import { UsageReader } from "../usage/index.ts";
import type { AnswerEnd } from "./request-record.ts";

type Result = IteratorResult<Uint8Array, undefined>;

/**
 * Reads along what an answer says it used, without holding or changing a byte, and tells once how it
 * ended: also when it broke off, or its reader left, or nobody ever began to read. The end of the answer
 * follows what is told, so that who has all of an answer finds its claim settled.
 */
export function followAnswer(
  response: GatewayResponse,
  onEnd: (end: AnswerEnd) => void,
): GatewayResponse {
  const reader = new UsageReader(response.headers);
  const { body } = response;
  if (body === undefined || body instanceof Uint8Array) {
    if (body) reader.read(body);
    void tell(reader, true, onEnd);
    return response;
  }
  return { ...response, body: new FollowedBody(body, reader, onEnd) };
}

async function tell(
  reader: UsageReader,
  isWhole: boolean,
  onEnd: (end: AnswerEnd) => void,
): Promise<void> {
  onEnd({ usage: await reader.end(isWhole), isWhole });
}

type Streamed = Exclude<ResponseBody, Uint8Array | undefined>;

/** Scope: one answer. */
class FollowedBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #chunks: AsyncIterator<Uint8Array, unknown>;
  readonly #reader: UsageReader;
  readonly #onEnd: (end: AnswerEnd) => void;
  #end: Promise<void> | undefined;

  constructor(body: Streamed, reader: UsageReader, onEnd: (end: AnswerEnd) => void) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#reader = reader;
    this.#onEnd = onEnd;
  }

  async next(): Promise<Result> {
    try {
      const result = await this.#chunks.next();
      if (result.done) {
        await this.#finish(true);
        return { done: true, value: undefined };
      }
      this.#reader.read(result.value);
      return result;
    } catch (error) {
      await this.#finish(false);
      throw error;
    }
  }

  async return(): Promise<Result> {
    await this.#chunks.return?.();
    await this.#finish(false);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(isWhole: boolean): Promise<void> {
    this.#end ??= tell(this.#reader, isWhole, this.#onEnd);
    return this.#end;
  }
}
