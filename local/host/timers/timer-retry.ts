import { type Clock, delay } from "../../../shared/core/clock.ts";
import type { RpcRetryContext, RpcRetryOptions } from "../core/core-types.ts";

const DEFAULT_INTERVAL_SECONDS = 1;

/** Delay before the retry of that number, from 1; undefined when there is none left. */
export function retryDelayMs(options: RpcRetryOptions, retryCount: number): number | undefined {
  const { maxRetryCount = 0, retryStrategy, delayInterval } = options;
  if (maxRetryCount >= 0 && retryCount > maxRetryCount) return undefined;
  if (retryStrategy !== "exponentialBackoff") {
    return (delayInterval?.seconds ?? DEFAULT_INTERVAL_SECONDS) * 1000;
  }
  const least = options.minimumInterval?.seconds ?? DEFAULT_INTERVAL_SECONDS;
  const most = options.maximumInterval?.seconds ?? least;
  return Math.min(least * 2 ** (retryCount - 1), most) * 1000;
}

/** Runs a function with the retries of its timer trigger; rejects with the last failure. */
export async function runWithRetry(
  run: (retryContext: RpcRetryContext | undefined) => Promise<unknown>,
  options: RpcRetryOptions | null | undefined,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  let retryContext: RpcRetryContext | undefined;
  for (let retryCount = 1; ; retryCount += 1) {
    try {
      await run(retryContext);
      return;
    } catch (error) {
      const delayMs = options ? retryDelayMs(options, retryCount) : undefined;
      if (delayMs === undefined || signal.aborted) throw error;
      await delay(clock, delayMs, signal);
      const exception = { message: error instanceof Error ? error.message : String(error) };
      retryContext = { retryCount, maxRetryCount: options?.maxRetryCount ?? 0, exception };
    }
  }
}
