import { untilAborted } from "../core/until-aborted.ts";

// A broker that is there answers at once.
const GOODBYE_LIMIT_MS = 2000;

/**
 * Resolves when a close has settled, either way, or when its time is up: where the broker is silent, or
 * dies meanwhile, a close of the SDK may never settle.
 */
export async function settleInTime(
  closing: Promise<unknown>,
  limitMs = GOODBYE_LIMIT_MS,
): Promise<void> {
  await untilAborted(closing, AbortSignal.timeout(limitMs)).catch(() => {});
}
