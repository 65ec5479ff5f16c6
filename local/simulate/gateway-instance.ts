import { type Settings, shippedLanes } from "../../shared/config/index.ts";
import type { Random } from "../../shared/core/domain.ts";
import { createServices, probeBackends, type Services } from "../../shared/gateway/index.ts";
import { BackendPool } from "../../shared/routing/index.ts";
import type { Emit } from "../../shared/telemetry/index.ts";
import type { SimulatedClient } from "./simulated-client.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export interface InstanceOptions {
  readonly settings: Settings;
  readonly clock: VirtualClock;
  readonly backends: SimulatedClient;
  readonly random: Random;
  readonly emit: Emit;
}

/** One instance of the gateway, as it is deployed but for its outsides. */
export interface GatewayInstance {
  readonly services: Services;
  /** Begins to probe its backends. */
  start(): void;
  stop(): Promise<void>;
}

/**
 * Composes an instance from the product's own services: in virtual time, with modelled backends and
 * seeded chance. Documents such as profiles are loaded once; they do not change while a policy is tried.
 */
export async function createInstance(options: InstanceOptions): Promise<GatewayInstance> {
  const { settings, clock, random, emit } = options;
  const owned = createServices({
    settings,
    connections: { messaging: undefined, storage: undefined },
    lanes: shippedLanes(),
    emit,
    clock,
  });
  await owned.services.policy.start();
  const policy = owned.services.policy.current();
  // Ends the following of documents; requests look at the signal of these services.
  owned.stop();
  const stopping = new AbortController();
  const services: Services = {
    ...owned.services,
    random,
    backends: options.backends,
    pool: new BackendPool({ settings, clock, random }),
    policy: { ...owned.services.policy, start: async () => {}, current: () => policy },
    stopping: stopping.signal,
  };
  return {
    services,
    start: () => probeBackends(services, stopping.signal),
    async stop() {
      stopping.abort();
      await owned.close();
    },
  };
}
