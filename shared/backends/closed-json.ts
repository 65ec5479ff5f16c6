import { BackendFailure } from "./backend-failure.ts";
import { JsonNesting } from "./json-nesting.ts";

type Piece = IteratorResult<Uint8Array, undefined>;

interface ClosedJsonOptions {
  /** Whether the transport tells where the answer ends; else the text alone does, however that is told. */
  readonly hasCertainEnd: boolean;
}

/**
 * JSON that throws where it ends before all that it opened is closed. Its transport may have ended in order:
 * whoever is cut off from what it hands on, and frames anew what it has, tells of no cut. Passes every byte as
 * it comes. Scope: one answer.
 */
export class ClosedJson implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array, undefined>;
  readonly #hasCertainEnd: boolean;
  readonly #nesting = new JsonNesting();
  // Bound once: each piece of each answer passes here.
  readonly #onPiece = (piece: Piece): Piece => this.#passed(piece);
  readonly #onError = (error: unknown): Piece => this.#broken(error);

  constructor(source: AsyncIterator<Uint8Array, undefined>, { hasCertainEnd }: ClosedJsonOptions) {
    this.#source = source;
    this.#hasCertainEnd = hasCertainEnd;
  }

  next(): Promise<Piece> {
    return this.#source.next().then(this.#onPiece, this.#onError);
  }

  async return(): Promise<Piece> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #passed(piece: Piece): Piece {
    if (piece.done) return this.#ended();
    this.#nesting.push(piece.value);
    return piece;
  }

  #broken(error: unknown): Piece {
    const isCut = error instanceof BackendFailure && error.kind === "truncated";
    if (this.#hasCertainEnd || !isCut || !this.#nesting.isWhole) throw error;
    return { done: true, value: undefined };
  }

  #ended(): Piece {
    if (this.#nesting.isClosed) return { done: true, value: undefined };
    // Nothing is known of text that only calls itself JSON, and has its end.
    if (this.#hasCertainEnd && !this.#nesting.hasBegun) return { done: true, value: undefined };
    throw new BackendFailure("truncated", "The answer ended within its JSON.", {
      mayHaveBegun: true,
    });
  }
}
