import type { Cancel, Clock } from "../../../shared/core/clock.ts";
import type { LocalLog } from "../../service.ts";

// A run fails only when the store does (disk full, I/O error): soon enough to go on when it is over.
const RETRY_AFTER_FAILURE_MS = 1_000;

/** What a runner runs. */
export interface KeyedRunnerOptions {
  /** What a key names, for the log: `instance`. */
  noun: string;
  /** How many keys may run at once. */
  limit: number;
  /** Resolves with true when there is more to do for the key. */
  run: (key: string) => Promise<boolean>;
  clock: Clock;
  log: LocalLog;
}

/**
 * Runs at most one job per key at any time and at most `limit` jobs together, first come first
 * served. A key woken while it runs, runs once more. Scope: one engine.
 */
export class KeyedRunner {
  readonly #options: KeyedRunnerOptions;
  readonly #ready = new Set<string>();
  readonly #running = new Set<string>();
  readonly #again = new Set<string>();
  readonly #retries = new Set<Cancel>();
  #isStopped = false;
  #onIdle: () => void = () => {};

  constructor(options: KeyedRunnerOptions) {
    this.#options = options;
  }

  wake(key: string): void {
    if (this.#isStopped) return;
    if (this.#running.has(key)) this.#again.add(key);
    else this.#ready.add(key);
    this.#pump();
  }

  /** Starts nothing more; resolves when what runs has ended. */
  stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#retries) cancel();
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #pump(): void {
    for (const key of this.#ready) {
      if (this.#isStopped || this.#running.size >= this.#options.limit) return;
      this.#ready.delete(key);
      this.#running.add(key);
      this.#options.run(key).then(
        (hasMore) => this.#ended(key, hasMore),
        (error: unknown) => this.#failed(key, error),
      );
    }
  }

  #ended(key: string, hasMore: boolean): void {
    this.#running.delete(key);
    if (this.#again.delete(key) || hasMore) this.#ready.add(key);
    if (this.#isStopped && this.#running.size === 0) this.#onIdle();
    this.#pump();
  }

  #failed(key: string, error: unknown): void {
    this.#ended(key, false);
    if (this.#isStopped) return;
    const { noun, clock, log } = this.#options;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log(`Durable: ${noun} ${key} could not go on and is tried again: ${reason}`);
    const cancel = clock.schedule(RETRY_AFTER_FAILURE_MS, () => {
      this.#retries.delete(cancel);
      this.wake(key);
    });
    this.#retries.add(cancel);
  }
}
