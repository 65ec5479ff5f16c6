const START_PER_SECOND = 2;
const MIN_PER_SECOND = 0.5;
const MAX_PER_SECOND = 1000;
/** While nothing is known of a limit, so much is added with each call that is taken: as a power of time. */
const SEARCH_STEP = 0.7;
/** How long it takes to come back to the pace that was last too fast. */
const RETURN_SECONDS = 5;

/**
 * How fast those are called that wait for a backend which has rested. Each call that it takes makes the
 * pace faster: quickly while no limit is known, slowly up to the pace that was last too fast, and quickly
 * again beyond it. A refusal halves it, so that there is room for more urgent ones who do not wait here.
 * Scope: one class at one backend, per instance.
 */
export class RecoveryPace {
  #perSecond = START_PER_SECOND;
  #limitPerSecond = 0;
  #hasTaken = false;

  /** Between one call and the next. */
  get intervalMs(): number {
    return 1000 / this.#perSecond;
  }

  /** The backend took a call. */
  accepted(): void {
    const rate = this.#perSecond;
    const isReturning = rate < this.#limitPerSecond;
    const step = isReturning ? this.#limitPerSecond / 2 / RETURN_SECONDS / rate : SEARCH_STEP;
    this.#perSecond = Math.min(MAX_PER_SECOND, rate + step);
    this.#hasTaken = true;
  }

  /** The backend asked for rest: at a call of those that waited, or at another's. */
  refused(isOwn: boolean): void {
    // Who waits is not slowed down again by what others do before it was called once.
    if (!isOwn && !this.#hasTaken) return;
    this.#limitPerSecond = this.#perSecond;
    this.#perSecond = Math.max(MIN_PER_SECOND, this.#perSecond / 2);
    this.#hasTaken = false;
  }
}
