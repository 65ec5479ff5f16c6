/**
 * The latest of what comes with every request, up to a number: keeping one is an assignment, and the
 * search is left to who looks for it. Scope: per instance.
 */
export class Latest<Value> {
  readonly #size: number;
  readonly #values: Value[] = [];
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(value: Value): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#size;
  }

  /** The latest first. */
  *[Symbol.iterator](): Generator<Value> {
    yield* this.#values.slice(0, this.#next).reverse();
    yield* this.#values.slice(this.#next).reverse();
  }
}
