import type { Clock } from "../../core/clock.ts";
import type { JobLease } from "../../jobs/index.ts";

// Many times the interval of its renewal: a pause of the process must not look like its end.
const LEASE_MS = 15_000;

/** The word that the first attempt of a promoted job is alive, as of now. */
export function leaseFrom(clock: Clock): JobLease {
  return { attempt: 1, until: clock.now() + LEASE_MS };
}
