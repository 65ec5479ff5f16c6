const FIRST_DELAY_MS = 5000;
const MAX_DELAY_MS = 900_000;
// Over a day: seven delays that double, then one every quarter of an hour.
const MAX_LOOKS = 104;

/**
 * How long after a look at an ended job's log the next one comes, in milliseconds; undefined when
 * there is none: whom it concerns could not be told for more than a day.
 */
export function settleDelayMs(looks: number): number | undefined {
  if (looks >= MAX_LOOKS) return undefined;
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (looks - 1));
}
