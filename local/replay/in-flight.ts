/** Counts what runs at once and says when there is room for more. Scope: one replay. */
export class InFlight {
  readonly #limit: number;
  #count = 0;
  #wake: (() => void) | undefined;
  #error: unknown;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get count(): number {
    return this.#count;
  }

  /** Resolves when one more may run. Only one caller may wait for room or rest at a time. */
  async room(): Promise<void> {
    while (this.#count >= this.#limit) await this.#change();
  }

  /** Runs `work` beside the rest; what it throws is a fault of the replay and is thrown by `idle`. */
  run(work: () => Promise<void>): void {
    this.#count += 1;
    work()
      .catch((error: unknown) => {
        this.#error ??= error;
      })
      .finally(() => {
        this.#count -= 1;
        this.#wake?.();
      });
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#count > 0) await this.#change();
    if (this.#error !== undefined) throw this.#error;
  }

  #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    return promise;
  }
}
