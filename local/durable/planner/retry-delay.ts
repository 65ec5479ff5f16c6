import type { RetryOptions } from "./actions.ts";

// The platform's own bound for one wait between attempts when none is given (TimeSpan.MaxValue) is
// beyond what a Date can hold; a century is as good as for ever.
const MAX_DELAY_MS = 100 * 365 * 24 * 3_600_000;

/** How long to wait after attempt number `attempt` has failed. */
export function retryDelayMs(options: RetryOptions, attempt: number): number {
  const {
    firstRetryIntervalInMilliseconds: firstMs,
    backoffCoefficient = 1,
    maxRetryIntervalInMilliseconds: maxMs = MAX_DELAY_MS,
  } = options;
  return Math.min(firstMs * backoffCoefficient ** (attempt - 1), maxMs, MAX_DELAY_MS);
}
