import type { Random } from "../core/domain.ts";

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 60_000;

/**
 * How long a job waits before its next attempt: what the backend asked for, else exponential back-off
 * with full jitter, so that jobs that failed together do not return together.
 */
export function retryDelayMs(attempt: number, askedMs: number | undefined, random: Random): number {
  if (askedMs !== undefined) return askedMs;
  const ceilingMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return Math.round(ceilingMs * random());
}

/** Whether a whole answer of this status may be better another time. */
export function isWorthRepeating(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}
