import type { Clock } from "../../core/clock.ts";
import { headerValue } from "../../core/headers.ts";
import type { GatewayResponse, ResponseBody } from "../../core/http.ts";
import { type AnswerUsage, isEventStream, UsageReader } from "../../usage/index.ts";
import { type AnswerSlot, UNKNOWN_USAGE } from "../calls/answer-watch.ts";
import type { AnswerEnd } from "../entry/request-record.ts";

type Result = IteratorResult<Uint8Array, undefined>;

const END: Result = { done: true, value: undefined };

/** Knows what an answer used: whoever watched it where it came from, else a reader of what passes here. */
interface Meter {
  read(chunk: Uint8Array): void;
  end(isWhole: boolean): Promise<AnswerUsage>;
}

/**
 * Tells once how an answer ended and what it said it used, without holding or changing a byte: also when
 * it broke off, or its reader left, or nobody ever began to read. The end of the answer follows what is
 * told, so that who has all of an answer finds its claim settled.
 */
export function followAnswer(
  response: GatewayResponse,
  { slot, clock }: { readonly slot: AnswerSlot; readonly clock: Pick<Clock, "now"> },
  onEnd: (end: AnswerEnd) => void,
): GatewayResponse {
  const meter = meterOf(response, slot);
  const { body } = response;
  if (body === undefined || body instanceof Uint8Array) {
    if (body) meter.read(body);
    void tell(meter, { isWhole: true }, onEnd);
    return response;
  }
  const type = headerValue(response.headers, "content-type")?.toLowerCase() ?? "";
  const timer = isEventStream(type) ? clock : undefined;
  return { ...response, body: new FollowedBody(body, { meter, timer, onEnd }) };
}

/** An answer that no backend gave, such as that of a job, is not the one that is watched. */
function meterOf({ headers, route }: GatewayResponse, slot: AnswerSlot): Meter {
  if (!route || !slot.current) return new UsageReader(headers);
  // Asked at the end: a stream may go on from another backend.
  return { read: () => {}, end: async () => (await slot.current?.usage()) ?? UNKNOWN_USAGE };
}

async function tell(
  meter: Meter,
  end: Omit<AnswerEnd, "usage">,
  onEnd: (end: AnswerEnd) => void,
): Promise<void> {
  onEnd({ usage: await meter.end(end.isWhole), ...end });
}

type Streamed = Exclude<ResponseBody, Uint8Array | undefined>;

interface Following {
  readonly meter: Meter;
  /** Absent where it does not matter when the first bytes go out. */
  readonly timer: Pick<Clock, "now"> | undefined;
  readonly onEnd: (end: AnswerEnd) => void;
}

/** Scope: one answer. */
class FollowedBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #chunks: AsyncIterator<Uint8Array, unknown>;
  readonly #meter: Meter;
  readonly #timer: Following["timer"];
  readonly #onEnd: (end: AnswerEnd) => void;
  // Bound once: each piece of each stream passes here.
  readonly #onPiece = (piece: IteratorResult<Uint8Array>): Result | Promise<Result> =>
    this.#passed(piece);
  readonly #onError = (error: unknown): Promise<Result> => this.#broken(error);
  #firstByteAt: number | undefined;
  #end: Promise<void> | undefined;

  constructor(body: Streamed, { meter, timer, onEnd }: Following) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#meter = meter;
    this.#timer = timer;
    this.#onEnd = onEnd;
  }

  next(): Promise<Result> {
    return this.#chunks.next().then(this.#onPiece, this.#onError);
  }

  async return(): Promise<Result> {
    await this.#chunks.return?.();
    await this.#finish(false);
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #passed(piece: IteratorResult<Uint8Array>): Result | Promise<Result> {
    if (piece.done) return this.#finish(true).then(() => END);
    this.#firstByteAt ??= this.#timer?.now();
    this.#meter.read(piece.value);
    return piece;
  }

  async #broken(error: unknown): Promise<Result> {
    await this.#finish(false);
    throw error;
  }

  #finish(isWhole: boolean): Promise<void> {
    this.#end ??= tell(this.#meter, { isWhole, firstByteAt: this.#firstByteAt }, this.#onEnd);
    return this.#end;
  }
}
