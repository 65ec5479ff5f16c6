import type { BackendAnswer } from "../../backends/index.ts";
import type { ResponseBody } from "../../core/http.ts";
import { streamErrorEvent } from "./stream-error-event.ts";

const STATUSES_WITHOUT_BODY = new Set([204, 205, 304]);

export interface AnswerBodyOptions {
  readonly method: string;
  /** Ends the body when it aborts: the reader is gone. */
  readonly closed: AbortSignal;
  /** Called once, when the body is over, however that came about. */
  onEnd(error?: unknown): void;
}

/**
 * A backend's body on its way to a reader. Bytes pass as they come: not copied, not held. Whatever
 * happens, `onEnd` runs once, even if nobody ever begins to read.
 */
export function answerBody(answer: BackendAnswer, options: AnswerBodyOptions): ResponseBody {
  const { method, closed } = options;
  if (closed.aborted || method === "HEAD" || STATUSES_WITHOUT_BODY.has(answer.status)) {
    answer.discard();
    options.onEnd();
    return undefined;
  }
  if (!answer.whole) return new AnswerBody(answer, options);
  options.onEnd();
  return answer.whole;
}

/**
 * Calls `onReturn` when a body is returned: a generator that is returned before it began runs none of
 * its code, its `finally` neither.
 */
export function endedEarly(
  body: AsyncGenerator<Uint8Array, void, undefined>,
  onReturn: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const finish = body.return.bind(body);
  const returned = () => {
    onReturn();
    return finish();
  };
  body.return = returned;
  return body;
}

type Result = IteratorResult<Uint8Array, undefined>;

const END: Result = { done: true, value: undefined };

/** An answer's bytes, the error event behind a broken stream, and the one end. Scope: one answer. */
class AnswerBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #answer: BackendAnswer;
  readonly #bytes: AsyncIterator<Uint8Array, unknown>;
  readonly #options: AnswerBodyOptions;
  readonly #onClosed = (): void => this.giveUp();
  // Bound once: each piece of each stream passes here.
  readonly #onPiece = (piece: IteratorResult<Uint8Array>): Result => this.#passed(piece);
  readonly #onError = (error: unknown): Result => this.#breakOff(error);
  #isOver = false;
  #broken: { readonly error: unknown } | undefined;

  constructor(answer: BackendAnswer, options: AnswerBodyOptions) {
    this.#answer = answer;
    this.#bytes = answer.body[Symbol.asyncIterator]();
    this.#options = options;
    options.closed.addEventListener("abort", this.#onClosed, { once: true });
  }

  next(): Promise<Result> {
    if (this.#broken) return Promise.reject(this.#broken.error);
    return this.#bytes.next().then(this.#onPiece, this.#onError);
  }

  async return(): Promise<Result> {
    this.giveUp();
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Lets go of what is left. */
  giveUp(): void {
    if (this.#isOver) return;
    this.#answer.discard();
    this.#end();
  }

  #passed(piece: IteratorResult<Uint8Array>): Result {
    if (!piece.done) return piece;
    this.#end();
    return END;
  }

  /** The reader gets the reason as an event where the answer is a stream of events; then it throws. */
  #breakOff(error: unknown): Result {
    const hadReader = !this.#isOver;
    this.#end(error);
    const event = hadReader ? streamErrorEvent(this.#answer, error) : undefined;
    if (!event) throw error;
    this.#broken = { error };
    return { done: false, value: event };
  }

  #end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.closed.removeEventListener("abort", this.#onClosed);
    this.#options.onEnd(error);
  }
}
