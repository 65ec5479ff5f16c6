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
