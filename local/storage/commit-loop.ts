import type { LocalLog } from "../service.ts";
import type { Journal } from "./journal.ts";

/**
 * Decides when the journal commits: before an answer leaves, and at the latest at the end of the
 * event-loop turn that made a change. Scope: one storage process.
 */
export class CommitLoop {
  readonly #log: LocalLog;
  #journal: Pick<Journal, "commit"> | undefined;
  #turnEnd: NodeJS.Immediate | undefined;
  #lastProblem: string | undefined;

  constructor(log: LocalLog) {
    this.#log = log;
  }

  /** The journal is built with this loop's `noteChange`, so it arrives afterwards. */
  drive(journal: Pick<Journal, "commit">): void {
    this.#journal = journal;
  }

  /** From now on nothing is committed, so nothing is answered either. */
  stop(): void {
    clearImmediate(this.#turnEnd);
    this.#journal = undefined;
  }

  readonly noteChange = (): void => {
    this.#turnEnd ??= setImmediate(this.commit);
  };

  /** False when the changes are not on disk; they are kept and tried again. */
  readonly commit = (): boolean => {
    clearImmediate(this.#turnEnd);
    this.#turnEnd = undefined;
    if (!this.#journal) return false;
    try {
      this.#journal.commit();
      this.#lastProblem = undefined;
      return true;
    } catch (error) {
      this.#report(error);
      return false;
    }
  };

  #report(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (problem === this.#lastProblem) return;
    this.#lastProblem = problem;
    this.#log(`storage: changes cannot be saved, requests are cut off until they can: ${problem}`);
  }
}
