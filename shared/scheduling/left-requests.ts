import type { Clock } from "../core/clock.ts";

// Twice what waits in an instance unless it is told otherwise; of more, the newest are known.
const MOST_KNOWN = 2000;

interface Watch {
  readonly requestId: string;
  readonly onLeft: () => void;
}

/**
 * Requests whose messages are in lanes though nobody waits for their answers any more: a message cannot be
 * taken back, but whoever receives it need not run it. Scope: per instance; it hears of the others' by the ledger.
 */
export class LeftRequests {
  readonly #clock: Clock;
  /** This instance's own, and until when their messages may come; the oldest first. */
  readonly #own = new Map<string, number>();
  #elsewhere: ReadonlySet<string> = new Set();
  readonly #watches = new Set<Watch>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(requestId: string): boolean {
    return this.#own.has(requestId) || this.#elsewhere.has(requestId);
  }

  /** Calls back when the request's client leaves from now on. Returns how to end that. */
  watch(requestId: string, onLeft: () => void): () => void {
    const watch = { requestId, onLeft };
    this.#watches.add(watch);
    return () => void this.#watches.delete(watch);
  }

  /** The request's client has left; its message is gone from its lane at `expiresAt`. */
  add(requestId: string, expiresAt: number): void {
    this.#own.set(requestId, expiresAt);
    this.#tell((watched) => watched === requestId);
    if (this.#own.size <= MOST_KNOWN) return;
    for (const oldest of this.#own.keys()) {
      this.#own.delete(oldest);
      return;
    }
  }

  /** The request's message has come, and will not come again. */
  forget(requestId: string): void {
    this.#own.delete(requestId);
  }

  /** This instance's own, for the ledger. */
  local(): readonly string[] {
    const nowMs = this.#clock.now();
    for (const [requestId, expiresAt] of this.#own) {
      if (expiresAt <= nowMs) this.#own.delete(requestId);
    }
    return [...this.#own.keys()];
  }

  /** Takes over what all other instances told. */
  replaceRemote(requestIds: readonly string[]): void {
    const elsewhere = new Set(requestIds);
    this.#elsewhere = elsewhere;
    if (elsewhere.size > 0) this.#tell((watched) => elsewhere.has(watched));
  }

  #tell(isMeant: (requestId: string) => boolean): void {
    for (const { requestId, onLeft } of [...this.#watches]) if (isMeant(requestId)) onLeft();
  }
}
