// A client may ask for any time limit; so short a one says nothing about any backend.
const MIN_WAIT_MS = 100;
const TOO_SLOW = 2;

/**
 * Whether a backend is to blame for not having answered in time: it had its own full time, or a client's
 * shorter one that it usually keeps with ease. Otherwise a client's haste could open a breaker for all.
 */
export function isFairTimeout(
  waitedMs: number,
  { limitMs, usualMs }: { readonly limitMs: number; readonly usualMs: number | undefined },
): boolean {
  if (waitedMs >= limitMs) return true;
  return waitedMs >= Math.max(MIN_WAIT_MS, TOO_SLOW * (usualMs ?? 0));
}
