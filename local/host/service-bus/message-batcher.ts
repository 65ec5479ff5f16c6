import type { Cancel, Clock } from "../../../shared/core/clock.ts";

export interface MessageBatcherOptions<T> {
  clock: Clock;
  maxSize: number;
  minSize: number;
  /** How long to wait for `minSize`, from the first message on. */
  maxWaitMs: number;
  /** Runs one batch; must not reject. Batches run one after another. */
  run(batch: readonly T[]): Promise<void>;
}

/**
 * Gathers messages into batches: what came while a batch ran makes the next one, so a single
 * message does not wait for company. Scope: one receiver.
 */
export class MessageBatcher<T> {
  readonly #options: MessageBatcherOptions<T>;
  readonly #waiting: { message: T; done: () => void }[] = [];
  #isRunning = false;
  #isDue = false;
  #cancelWait: Cancel | undefined;

  constructor(options: MessageBatcherOptions<T>) {
    this.#options = options;
  }

  /** Takes a message; resolves when its batch has run. */
  add(message: T): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ message, done: resolve });
      if (this.#waiting.length === 1) this.#startWait();
      // Messages of one network read arrive in one turn: let them come together.
      setImmediate(() => this.#runNext());
    });
  }

  #startWait(): void {
    const { clock, maxWaitMs } = this.#options;
    this.#isDue = false;
    this.#cancelWait?.();
    this.#cancelWait = clock.schedule(maxWaitMs, () => {
      this.#isDue = true;
      this.#runNext();
    });
  }

  #runNext(): void {
    const { maxSize, minSize, run } = this.#options;
    if (this.#isRunning || this.#waiting.length === 0) return;
    if (this.#waiting.length < Math.min(minSize, maxSize) && !this.#isDue) return;
    this.#cancelWait?.();
    const batch = this.#waiting.splice(0, maxSize);
    this.#isRunning = true;
    const finish = (): void => {
      for (const { done } of batch) done();
      this.#isRunning = false;
      if (this.#waiting.length > 0) this.#startWait();
      this.#runNext();
    };
    run(batch.map(({ message }) => message)).then(finish, finish);
  }
}
