import type { Clock } from "../core/clock.ts";
import { headerValue } from "../core/headers.ts";
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
  clock: Pick<Clock, "now">,
  onEnd: (end: AnswerEnd) => void,
): GatewayResponse {
  const reader = new UsageReader(response.headers);
  const { body } = response;
  if (body === undefined || body instanceof Uint8Array) {
    if (body) reader.read(body);
    void tell(reader, { isWhole: true }, onEnd);
    return response;
  }
  const isStream = headerValue(response.headers, "content-type")?.includes("event-stream");
  const timer = isStream ? clock : undefined;
  return { ...response, body: new FollowedBody(body, { reader, timer, onEnd }) };
}

async function tell(
  reader: UsageReader,
  end: Omit<AnswerEnd, "usage">,
  onEnd: (end: AnswerEnd) => void,
): Promise<void> {
  onEnd({ usage: await reader.end(end.isWhole), ...end });
}

type Streamed = Exclude<ResponseBody, Uint8Array | undefined>;

interface Following {
  readonly reader: UsageReader;
  /** Absent where it does not matter when the first bytes go out. */
  readonly timer: Pick<Clock, "now"> | undefined;
  readonly onEnd: (end: AnswerEnd) => void;
}

/** Scope: one answer. */
class FollowedBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #chunks: AsyncIterator<Uint8Array, unknown>;
  readonly #reader: UsageReader;
  readonly #timer: Following["timer"];
  readonly #onEnd: (end: AnswerEnd) => void;
  #firstByteAt: number | undefined;
  #end: Promise<void> | undefined;

  constructor(body: Streamed, { reader, timer, onEnd }: Following) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#reader = reader;
    this.#timer = timer;
    this.#onEnd = onEnd;
  }

  async next(): Promise<Result> {
    try {
      const result = await this.#chunks.next();
      if (result.done) {
        await this.#finish(true);
        return { done: true, value: undefined };
      }
      this.#firstByteAt ??= this.#timer?.now();
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
    this.#end ??= tell(this.#reader, { isWhole, firstByteAt: this.#firstByteAt }, this.#onEnd);
    return this.#end;
  }
}
