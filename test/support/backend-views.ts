import type { HostSettings } from "../../shared/config/index.ts";
import type { BackendView } from "../../shared/routing/index.ts";
import { hostWith } from "./hosts.ts";

/** What is known of a backend that is well, closed and idle; names what a test cares for. */
export function viewWith(
  change: Partial<Omit<BackendView, "host">> & { readonly host?: Partial<HostSettings> } = {},
): BackendView {
  const { host, ...rest } = change;
  const settings = hostWith(host);
  return {
    key: settings.id,
    isHealthy: true,
    breaker: { state: "closed" },
    throttledUntil: 0,
    nextInLine: undefined,
    inFlight: 0,
    latencyMs: undefined,
    isUntried: rest.latencyMs === undefined,
    failureRate: 0,
    turn: 0,
    canRetry: true,
    ...rest,
    host: settings,
  };
}
