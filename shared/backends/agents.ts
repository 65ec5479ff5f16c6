import type { LookupFunction } from "node:net";
import { Agent } from "undici";
import type { HostSettings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import { createCachedLookup, createPinnedLookup } from "./lookup.ts";

export interface AgentsOptions {
  readonly clock: Clock;
  readonly ignoreTlsErrors: boolean;
  readonly connectMs: number;
  /** How long an address is used before the name is resolved again, and a connection before it is replaced. */
  readonly dnsRefreshMs: number;
  /** Whether TLS backends that offer HTTP/2 are spoken to in it. */
  readonly allowHttp2: boolean;
}

const KEEP_ALIVE_MS = 30_000;

/**
 * The connections to all backends: a pool for every origin, apart for every pinned address. Connections
 * older than the refresh interval take no further request and end with the one they serve, so that a
 * backend that moves is followed. Scope: per instance.
 */
export class Agents {
  readonly #options: AgentsOptions;
  readonly #lookup: LookupFunction;
  readonly #byPin = new Map<string, Agent>();

  constructor(options: AgentsOptions) {
    this.#options = options;
    this.#lookup = createCachedLookup(options.clock, options.dnsRefreshMs);
  }

  /** The pools that reach a host. */
  for({ ipAddress }: Pick<HostSettings, "ipAddress">): Agent {
    const pin = ipAddress ?? "";
    const known = this.#byPin.get(pin);
    if (known) return known;
    const agent = this.#create(pin === "" ? this.#lookup : createPinnedLookup(pin));
    this.#byPin.set(pin, agent);
    return agent;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byPin.values()].map((agent) => agent.destroy()));
  }

  #create(lookup: LookupFunction): Agent {
    const { ignoreTlsErrors, connectMs, dnsRefreshMs, allowHttp2 } = this.#options;
    return new Agent({
      // Time limits are each call's own.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      clientTtl: dnsRefreshMs,
      allowH2: allowHttp2,
      connect: { timeout: connectMs, rejectUnauthorized: !ignoreTlsErrors, lookup },
    });
  }
}
