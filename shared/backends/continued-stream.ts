import { BackendFailure, type BackendFailureKind } from "./backend-failure.ts";
import { DeliveredAnswer } from "./delivered-answer.ts";
import { FirstTelling, type StreamFollower } from "./first-telling.ts";
import { Retelling } from "./retelling.ts";

/** How an attempt to continue a stream went: it goes on, it says something else, or nobody answered. */
export type Continuation = "joined" | "diverged" | "unanswered";

export interface ContinuedStreamOptions {
  /** The committed stream of the first backend. */
  readonly first: AsyncIterable<Uint8Array>;
  /** Asks another backend for the same stream; undefined when none may be asked, or none answers. */
  restart(failure: BackendFailure): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Gives up the stream that is being read. */
  discard(): void;
  onContinuation(outcome: Continuation): void;
  /** How much of an answer is held for the comparison; behind it a stream that breaks is an error. */
  readonly maxChars?: number;
}

// What took too long as a whole would take too long again.
const REPEATED: ReadonlySet<BackendFailureKind> = new Set([
  "reset",
  "truncated",
  "idle-timeout",
  "error-event",
  "protocol",
]);

/**
 * A completion stream that outlives its backend: when it breaks, another backend tells it again, what
 * was delivered is compared to the letter, and only what is new goes on to the client. Throws the first
 * failure when that cannot be had. Scope: one answer.
 */
export class ContinuedStream implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #options: ContinuedStreamOptions;
  readonly #delivered: DeliveredAnswer;
  #bytes: AsyncIterator<Uint8Array>;
  #follower: StreamFollower;
  #retelling: Retelling | undefined;
  #ready: Uint8Array[] = [];
  #readyAt = 0;
  /** What the stream broke with that is being continued, or was. */
  #broken: BackendFailure | undefined;
  #isComparing = false;
  /** The event in which the answer that the client has reported its own failure. */
  #lastWord: readonly Uint8Array[] | undefined;
  #failure: unknown;
  #isOver = false;

  constructor(options: ContinuedStreamOptions) {
    this.#options = options;
    this.#delivered = new DeliveredAnswer(options.maxChars);
    this.#bytes = options.first[Symbol.asyncIterator]();
    this.#follower = new FirstTelling(this.#delivered);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const value = this.#shift();
      if (value) return { done: false, value };
      if (this.#failure !== undefined) this.#fail();
      else if (this.#isOver) return { done: true, value: undefined };
      else await this.#read();
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isOver = true;
    await this.#bytes.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends with the failure, or with the event in which the answer itself reported it. */
  #fail(): void {
    if (!this.#lastWord?.length) throw this.#failure;
    this.#ready.push(...this.#lastWord);
    this.#failure = undefined;
    this.#isOver = true;
  }

  #shift(): Uint8Array | undefined {
    const value = this.#ready[this.#readyAt++];
    if (value) return value;
    this.#ready = [];
    this.#readyAt = 0;
    return undefined;
  }

  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#bytes.next();
      this.#ready.push(...(done ? this.#follower.end() : this.#follower.push(value)));
      const { failedBy } = this.#follower;
      if (done && !failedBy) this.#isOver = true;
      this.#judge();
      if (failedBy && this.#failure === undefined) await this.#failedBy(failedBy);
    } catch (error) {
      await this.#continue(error);
    }
  }

  /** Tells what became of a stream that was to continue another. */
  #judge(): void {
    const retelling = this.#retelling;
    if (retelling?.hasJoined && this.#isComparing) {
      this.#isComparing = false;
      this.#lastWord = undefined;
      this.#options.onContinuation("joined");
    }
    if (!retelling?.hasDiverged) return;
    this.#options.discard();
    this.#options.onContinuation("diverged");
    this.#failure = this.#broken;
  }

  async #failedBy(event: readonly Uint8Array[]): Promise<void> {
    // Of a stream that was only compared the client has nothing, and hears of its failure nothing either.
    if (!this.#isComparing) this.#lastWord = event;
    const detail = "The answer ended in a failure.";
    await this.#continue(new BackendFailure("error-event", detail, { mayHaveBegun: true }));
  }

  async #continue(error: unknown): Promise<void> {
    this.#failure = this.#isComparing ? this.#broken : error;
    if (!this.#mayContinue(error)) return;
    const next = await this.#options.restart(error);
    if (!next) {
      this.#options.onContinuation("unanswered");
      return;
    }
    this.#failure = undefined;
    if (!this.#isComparing) this.#broken = error;
    this.#isComparing = true;
    this.#retelling = new Retelling(this.#delivered);
    this.#follower = this.#retelling;
    this.#bytes = next[Symbol.asyncIterator]();
  }

  #mayContinue(error: unknown): error is BackendFailure {
    if (!(error instanceof BackendFailure) || !REPEATED.has(error.kind)) return false;
    return this.#delivered.isComparable;
  }
}
