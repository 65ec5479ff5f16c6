import type { Profile } from "../../identity/index.ts";
import type { ResultPlace } from "../../jobs/index.ts";

/** Where a caller's results go; undefined for callers whose profile names no container. */
export function resultPlaceOf(profile: Profile | undefined): ResultPlace | undefined {
  const access = profile?.asyncAccess;
  if (!access?.enabled) return undefined;
  return {
    container: access.containerName,
    signsLinks: access.generateSas,
    linkSeconds: access.timeoutSeconds,
  };
}
