import type { PriorityClass } from "../core/domain.ts";

/** How far apart the waves are in which those come again that do not wait here. */
const WAVE_MS = 500;
/** Waves double up to this. */
const MAX_WAVE = 32;

/**
 * When those come again that wait elsewhere, such as messages at the broker: one, then two, then four,
 * each class behind more urgent ones, so that they do not all come at the moment a backend's rest ends.
 * Scope: one backend, per instance.
 */
export class Bookings {
  readonly #classes = new Map<PriorityClass, { count: number; lastAt: number }>();

  /** Books a time from `fromAt` on, behind `ahead` others that wait here. Returns it. */
  book(priority: PriorityClass, ahead: number, { fromAt, nowMs }: BookingTimes): number {
    let before = ahead;
    for (const [known, { count, lastAt }] of this.#classes) {
      if (lastAt <= nowMs) this.#classes.delete(known);
      else if (known <= priority) before += count;
    }
    const at = fromAt + waveOf(before) * WAVE_MS;
    const { count = 0, lastAt = at } = this.#classes.get(priority) ?? {};
    this.#classes.set(priority, { count: count + 1, lastAt: Math.max(lastAt, at) });
    return at;
  }
}

interface BookingTimes {
  readonly fromAt: number;
  readonly nowMs: number;
}

/** The wave of the one that has so many before it: waves of 1, 2, 4 and so on up to the largest. */
export function waveOf(before: number): number {
  const doubling = Math.log2(MAX_WAVE);
  const inDoubling = MAX_WAVE - 1;
  if (before < inDoubling) return Math.floor(Math.log2(before + 1));
  return doubling + Math.floor((before - inDoubling) / MAX_WAVE);
}
