import type { PolicySnapshot } from "./policy.ts";
import type { Services } from "./services.ts";

/** The services as they are for a request that holds this policy: hot settings may differ by now. */
export function underPolicy(
  services: Services,
  { settings, requestHeaders }: Pick<PolicySnapshot, "settings" | "requestHeaders">,
): Services {
  if (settings === services.settings) return services;
  return { ...services, settings, requestHeaders };
}

/**
 * The services under the policy of now, for what was admitted before, here or elsewhere. It asks nobody
 * in any more, so that it runs with the settings of the start while no policy could be loaded.
 */
export async function inForce(services: Services): Promise<Services> {
  const { policy } = services;
  await policy.start();
  return policy.isAvailable ? underPolicy(services, policy.current()) : services;
}
