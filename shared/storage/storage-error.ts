import { GatewayError } from "../core/errors.ts";

/** The HTTP status with which a storage call failed, if it failed with one. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

/** Runs a storage call; what fails becomes `storage-unavailable` with its cause. */
export async function withStorage<Result>(
  what: string,
  call: () => Promise<Result>,
): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    throw new GatewayError("storage-unavailable", `${what} failed.`, { cause, retryAfterMs: 2000 });
  }
}

const REFUSED_FOR_NOW: ReadonlySet<number> = new Set([401, 403, 408, 429]);

/**
 * Whether a call failed because storage was away, or closed to the gateway, and not for what was asked of
 * it: then the same call may succeed later.
 */
export function isStorageAway(error: unknown): boolean {
  if (!(error instanceof GatewayError) || error.code !== "storage-unavailable") return false;
  const status = statusOf(error.cause);
  return status === undefined || status >= 500 || REFUSED_FOR_NOW.has(status);
}
