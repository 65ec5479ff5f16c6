import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Clock, delay } from "../../../shared/core/clock.ts";

const RETRY_MS = 1000;

/**
 * Lets one of several hosts of an app run its timers, as the platform's blob lease does. The lock of a
 * database is held for it, which the system frees when the process dies. Scope: one host process.
 */
export class TimerLease {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  #database: DatabaseSync | undefined;
  #held: Promise<boolean> | undefined;

  constructor(folder: string, clock: Clock) {
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, "timers.lock");
    this.#clock = clock;
  }

  /** Resolves with true when this host has the lease, with false when it was told to stop before. */
  hold(): Promise<boolean> {
    this.#held ??= this.#acquire();
    return this.#held;
  }

  /** Gives the lease up, so that another host may have it at once. */
  release(): void {
    this.#stopped.abort();
    this.#database?.close();
    this.#database = undefined;
  }

  async #acquire(): Promise<boolean> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      if (this.#lock()) return true;
      await delay(this.#clock, RETRY_MS, signal).catch(() => {});
    }
    return false;
  }

  #lock(): boolean {
    const database = new DatabaseSync(this.#path, { timeout: 0 });
    try {
      database.exec("BEGIN EXCLUSIVE");
      this.#database = database;
      return true;
    } catch {
      database.close();
      return false;
    }
  }
}
