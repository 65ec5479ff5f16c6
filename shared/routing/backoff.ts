import type { Random } from "../core/domain.ts";

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;

/**
 * How long to wait before a backend that failed is called again: exponential, with full jitter, so that
 * requests that failed together do not return together. `round` counts from 1.
 */
export function backoffMs(round: number, random: Random): number {
  return Math.round(random() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (round - 1)));
}
