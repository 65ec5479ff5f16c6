import type { DatabaseSync } from "node:sqlite";
import { CommitNotes } from "./commit-notes.ts";

interface Step {
  run: () => unknown;
  resolve: (value: never) => void;
  reject: (reason: unknown) => void;
}

/**
 * Runs the steps that were asked for in one turn of the event loop as one transaction: a commit
 * costs far more than a step, and a promise resolves only after the commit that holds its step. A
 * step must be repeatable, because a transaction that fails is run again step by step so that only
 * the culprit's promise rejects. Scope: one engine.
 */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #onCommit: (notes: CommitNotes) => void;
  #steps: Step[] = [];
  #notes = new CommitNotes();

  constructor(db: DatabaseSync, onCommit: (notes: CommitNotes) => void) {
    this.#db = db;
    this.#onCommit = onCommit;
  }

  /** Notes of the transaction that is being written. */
  get notes(): CommitNotes {
    return this.#notes;
  }

  /** Resolves with the step's result once it is committed. */
  run<T>(step: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#steps.length === 0) setImmediate(() => this.flush());
      this.#steps.push({ run: step, resolve, reject });
    });
  }

  /** Commits now what is waiting. */
  flush(): void {
    const steps = this.#steps;
    this.#steps = [];
    if (steps.length > 0 && !this.#transact(steps) && steps.length > 1) {
      for (const step of steps) this.#transact([step]);
    }
  }

  /** Returns false when the transaction failed and its steps deserve another try one by one. */
  #transact(steps: readonly Step[]): boolean {
    this.#notes = new CommitNotes();
    let results: unknown[];
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      results = steps.map((step) => step.run());
      this.#db.exec("COMMIT");
    } catch (error) {
      // A step that comes after the close finds no database to roll back.
      if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec("ROLLBACK");
      if (steps.length === 1) steps[0]?.reject(error);
      return false;
    }
    this.#onCommit(this.#notes);
    for (const [index, step] of steps.entries()) step.resolve(results[index] as never);
    return true;
  }
}
