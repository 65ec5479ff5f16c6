/** Steps that undo what a start has done, run once, the last first. Scope: one host process. */
export class Closers {
  readonly #steps: (() => unknown)[] = [];
  #closed: Promise<void> | undefined;

  /** Adds how to undo what was just done. */
  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Runs all steps, whether or not one fails, and then reports the first failure. */
  close(): Promise<void> {
    this.#closed ??= this.#run();
    return this.#closed;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
