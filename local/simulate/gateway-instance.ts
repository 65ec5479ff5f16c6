import { type Settings, shippedLanes } from "../../shared/config/index.ts";
import type { Random } from "../../shared/core/domain.ts";
import {
  createServices,
  type OwnedServices,
  probeBackends,
  type Services,
} from "../../shared/gateway/index.ts";
import { BackendPool } from "../../shared/routing/index.ts";
import type { Emit } from "../../shared/telemetry/index.ts";
import { StartError } from "../service.ts";
import { loadPolicy } from "./load-policy.ts";
import type { SimulatedClient } from "./simulated-client.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export interface InstanceOptions {
  /** What the settings are called, for whoever has to mend them. */
  readonly name: string;
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
 * seeded chance.
 */
export async function createInstance(options: InstanceOptions): Promise<GatewayInstance> {
  const { name, settings, clock, random } = options;
  const owned = compose(options);
  const policy = await loadPolicy(owned.services.policy, name, settings.policy.loadDeadlineMs);
  // Ends the following of documents; requests look at the signal of these services.
  owned.stop();
  const stopping = new AbortController();
  const services: Services = {
    ...owned.services,
    random,
    backends: options.backends,
    pool: new BackendPool({ settings, clock, random }),
    policy,
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

/** Some mistakes only show when all is put together, such as more reserved slots than there are. */
function compose({ name, settings, clock, emit }: InstanceOptions): OwnedServices {
  try {
    return createServices({
      settings,
      connections: { messaging: undefined, storage: undefined },
      lanes: shippedLanes(),
      emit,
      clock,
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`The settings of ${name} cannot be used. ${reason}`, { cause });
  }
}
