import type { DatabaseSync, StatementSync } from "node:sqlite";

/**
 * One transaction for each turn of the event loop: the first write opens it, `setImmediate` commits
 * it, and only then do the callbacks run that tell anyone. Scope: one broker process.
 */
export class GroupCommit {
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #beforeCommit: () => void;
  readonly #onFailure: (error: unknown) => void;
  #isOpen = false;
  #isScheduled = false;
  #hasFailed = false;
  #callbacks: (() => void)[] = [];

  constructor(
    database: DatabaseSync,
    hooks: { beforeCommit: () => void; onFailure: (error: unknown) => void },
  ) {
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#beforeCommit = hooks.beforeCommit;
    this.#onFailure = hooks.onFailure;
  }

  /** Must be called before each write. */
  open(): void {
    if (this.#isOpen) return;
    this.#begin.run();
    this.#isOpen = true;
    this.#schedule();
  }

  /** Runs `callback` once everything written so far is safe from a crash. */
  afterCommit(callback: () => void): void {
    this.#callbacks.push(callback);
    this.#schedule();
  }

  /** Commits now. */
  flush(): void {
    // Callbacks may write again: that is the next transaction, also flushed here.
    while (!this.#hasFailed && (this.#isOpen || this.#callbacks.length > 0)) this.#turn();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#hasFailed || !this.#tryCommit()) return;
    const callbacks = this.#callbacks;
    this.#callbacks = [];
    for (const callback of callbacks) callback();
  }

  /**
   * When a commit fails (disk full, file gone) memory is ahead of the disk. Nothing that waits is
   * acknowledged, and the broker stops.
   */
  #tryCommit(): boolean {
    if (!this.#isOpen) return true;
    try {
      this.#beforeCommit();
      this.#commit.run();
      this.#isOpen = false;
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Gives up, and tells of it once. */
  fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.abandon();
    this.#onFailure(error);
  }

  /** Commits nothing more and runs no callback any more. */
  abandon(): void {
    this.#hasFailed = true;
    this.#callbacks = [];
  }
}
