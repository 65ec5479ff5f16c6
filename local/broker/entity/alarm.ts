import type { Cancel, Clock } from "../../../shared/core/clock.ts";

/** Rings at the earliest time it was asked for. Scope: one entity of one broker process. */
export class Alarm {
  readonly #clock: Clock;
  readonly #onRing: () => void;
  #armedAt = Number.POSITIVE_INFINITY;
  #cancel: Cancel = () => {};

  constructor(clock: Clock, onRing: () => void) {
    this.#clock = clock;
    this.#onRing = onRing;
  }

  /** Makes sure that it rings at `time` or before; the ringer asks again for what is left. */
  ringAt(time: number | undefined): void {
    if (time === undefined || time >= this.#armedAt) return;
    this.#cancel();
    this.#armedAt = time;
    this.#cancel = this.#clock.schedule(time - this.#clock.now(), () => {
      this.#armedAt = Number.POSITIVE_INFINITY;
      this.#onRing();
    });
  }

  stop(): void {
    this.#cancel();
    this.#armedAt = Number.POSITIVE_INFINITY;
  }
}
