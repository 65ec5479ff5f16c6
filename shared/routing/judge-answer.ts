/** What a backend's status means for the request: hand it on, or try the next backend. */
export function isPassedOn(status: number): boolean {
  if (status >= 500 || status === 429 || status === 404 || status === 412) return false;
  // 300 is an answer; the other redirects are as the original has them: try elsewhere.
  return status <= 300 || status >= 400;
}

const WAITING_STATUSES = new Set([408, 412, 429]);

/**
 * The status of a request that no backend served, from the statuses of its attempts (408 for a
 * time-out, 502 for a broken connection): the last one where all mean waiting, the common one where
 * all agree, else 502; 503 when nothing was tried.
 */
export function exhaustedStatus(statuses: readonly number[]): number {
  const last = statuses.at(-1);
  if (last === undefined) return 503;
  if (statuses.every((status) => WAITING_STATUSES.has(status))) return last;
  return statuses.every((status) => status === last) ? last : 502;
}
