import type { Clock } from "../../../shared/core/clock.ts";

/** Work under way, so that closing can wait for it. Scope: one trigger listener, or all of HTTP. */
export class RunningWork {
  readonly #clock: Clock;
  readonly #onIdle = new Set<() => void>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How much runs now. */
  get count(): number {
    return this.#count;
  }

  /** Counts the work until it settles; its failure is for its owner, who has seen it already. */
  track(work: Promise<unknown>): void {
    this.#count += 1;
    work.then(this.#done, this.#done);
  }

  readonly #done = (): void => {
    this.#count -= 1;
    if (this.#count === 0) for (const onIdle of [...this.#onIdle]) onIdle();
  };

  /** Resolves with true when nothing runs any more, with false when the grace is over first. */
  ended(graceMs: number): Promise<boolean> {
    if (this.#count === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (isIdle: boolean): void => {
        cancel();
        this.#onIdle.delete(onIdle);
        resolve(isIdle);
      };
      const onIdle = (): void => finish(true);
      const cancel = this.#clock.schedule(graceMs, () => finish(false));
      this.#onIdle.add(onIdle);
    });
  }
}
