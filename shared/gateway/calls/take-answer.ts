import type { BackendAnswer } from "../../backends/index.ts";

/**
 * Takes a backend's whole answer out of `body`. When that fails, or the signal aborts, the answer is
 * given up: a connection with an unread body would otherwise be held for as long as the backend likes.
 */
export async function takeAnswer<Taken>(
  { body, discard }: BackendAnswer,
  signal: AbortSignal,
  take: (body: AsyncIterable<Uint8Array>) => Promise<Taken>,
): Promise<Taken> {
  if (signal.aborted) discard();
  signal.throwIfAborted();
  signal.addEventListener("abort", discard, { once: true });
  try {
    return await take(body);
  } catch (error) {
    discard();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", discard);
  }
}
