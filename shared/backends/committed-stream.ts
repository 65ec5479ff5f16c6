import { BackendFailure } from "./backend-failure.ts";
import type { StreamProtocol } from "./stream-meaning.ts";
import { StreamWatch } from "./stream-watch.ts";

// Enough for every preamble but one that repeats a long prompt; what is longer is committed as it is.
const MAX_HELD_BYTES = 64 * 1024;

type Body = AsyncIterator<Uint8Array, undefined>;
type Piece = IteratorResult<Uint8Array, undefined>;

/**
 * Waits for an event stream's first meaningful event. Resolves with the stream from its first byte on;
 * throws a `BackendFailure` when it fails before, while another backend can still answer. What is read
 * from the result throws too where the stream breaks off, stalls or ends without its protocol's ending.
 */
export async function committedStream(body: Body): Promise<CommittedStream> {
  const watch = new StreamWatch();
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  while (!watch.hasBegun && heldBytes < MAX_HELD_BYTES) {
    const { done, value } = await body.next();
    if (done) {
      watch.close();
      if (watch.hasFailed) throw errorEvent();
      if (!watch.hasBegun || !watch.isComplete) throw endedEarly();
      break;
    }
    // Nothing has been delivered yet, so even an error behind a first event costs nobody anything.
    if (watch.push(value) !== undefined) throw errorEvent();
    held.push(value);
    heldBytes += value.byteLength;
  }
  return new CommittedStream({ held, body, watch });
}

/** A stream that ends well or throws. Scope: one answer. */
export class CommittedStream implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #body: Body;
  readonly #watch: StreamWatch;
  readonly #held: Uint8Array[];
  // Bound once: each piece of each stream passes here.
  readonly #onPiece = (piece: Piece): Piece => this.#passed(piece);
  readonly #onError = (error: unknown): Piece => this.#broken(error);
  #failure: BackendFailure | undefined;

  constructor({ held, body, watch }: { held: Uint8Array[]; body: Body; watch: StreamWatch }) {
    this.#held = held;
    this.#body = body;
    this.#watch = watch;
  }

  /** As far as its events have shown it. */
  get protocol(): StreamProtocol | undefined {
    return this.#watch.protocol;
  }

  next(): Promise<Piece> {
    const first = this.#held.shift();
    if (first) return Promise.resolve({ done: false, value: first });
    if (this.#failure) return Promise.reject(this.#failure);
    return this.#body.next().then(this.#onPiece, this.#onError);
  }

  async return(): Promise<Piece> {
    await this.#body.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #passed(piece: Piece): Piece {
    if (piece.done) return this.#ended();
    const failedAt = this.#watch.push(piece.value);
    if (failedAt === undefined) return piece;
    this.#failure = errorEvent();
    return { done: false, value: piece.value.subarray(0, failedAt) };
  }

  #ended(): Piece {
    this.#watch.close();
    if (this.#watch.hasFailed) throw errorEvent();
    if (!this.#watch.isComplete) throw endedEarly();
    return { done: true, value: undefined };
  }

  /** Behind the protocol's last word a connection may do as it likes. */
  #broken(error: unknown): Piece {
    if (!this.#watch.hasEnded || !(error instanceof BackendFailure)) throw error;
    return this.#ended();
  }
}

const endedEarly = (): BackendFailure =>
  new BackendFailure("truncated", "The stream ended without its protocol's ending.", {
    mayHaveBegun: true,
  });

const errorEvent = (): BackendFailure =>
  new BackendFailure("error-event", "The stream carried an error event.", { mayHaveBegun: true });
