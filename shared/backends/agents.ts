import type { LookupFunction } from "node:net";
import { Agent, buildConnector, type Dispatcher, Pool } from "undici";
import type { HostSettings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import { Connection, type ConnectionOptions, PING_MS } from "./connection.ts";
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

/** How the hosts at one pinned address, or without a pin, are reached. */
interface Way {
  readonly agent: Agent;
  readonly connection: ConnectionOptions;
}

const KEEP_ALIVE_MS = 30_000;
// What is kept idle may take one more request at the end of that, and is not to be too old for it then.
const IDLE_SHARE = 1 / 4;

/**
 * The connections to all backends: a pool for every origin, apart for every pinned address. Connections
 * older than the refresh interval take no further request and end with the one they serve, so that a
 * backend that moves is followed. Scope: per instance.
 */
export class Agents {
  readonly #options: AgentsOptions;
  readonly #lookup: LookupFunction;
  readonly #byPin = new Map<string, Way>();
  readonly #fresh = new Set<Connection>();

  constructor(options: AgentsOptions) {
    this.#options = options;
    this.#lookup = createCachedLookup(options.clock, options.dnsRefreshMs);
  }

  /** The pools that reach a host. */
  for(host: Pick<HostSettings, "ipAddress">): Dispatcher {
    return this.#wayTo(host).agent;
  }

  /** Whether a request to a host may go out beside others on one connection. */
  mayShare({ origin }: Pick<HostSettings, "origin">): boolean {
    return this.#options.allowHttp2 && origin.startsWith("https:");
  }

  /** Sends one request to a host on a connection of its own, which ends with it. */
  dispatchFresh(
    host: Pick<HostSettings, "ipAddress" | "origin">,
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): void {
    const connection = new Connection(host.origin, this.#wayTo(host).connection);
    this.#fresh.add(connection);
    connection.dispatch(options, handler);
    connection.close(() => this.#fresh.delete(connection));
  }

  async close(): Promise<void> {
    const agents = [...this.#byPin.values()].map(({ agent }) => agent);
    await Promise.all([...agents, ...this.#fresh].map((dispatcher) => dispatcher.destroy()));
  }

  #wayTo({ ipAddress }: Pick<HostSettings, "ipAddress">): Way {
    const pin = ipAddress ?? "";
    const known = this.#byPin.get(pin);
    if (known) return known;
    const way = this.#create(pin === "" ? this.#lookup : createPinnedLookup(pin));
    this.#byPin.set(pin, way);
    return way;
  }

  #create(lookup: LookupFunction): Way {
    const { clock, ignoreTlsErrors, connectMs, dnsRefreshMs, allowHttp2: allowH2 } = this.#options;
    const keepAliveTimeout = Math.min(KEEP_ALIVE_MS, dnsRefreshMs * IDLE_SHARE);
    const connect = buildConnector({
      timeout: connectMs,
      rejectUnauthorized: !ignoreTlsErrors,
      lookup,
      allowH2,
      // Named behind the other version, it would not be taken by servers that go by their clients' order.
      preferH2: allowH2,
    });
    const connection: ConnectionOptions = {
      // Time limits are each call's own.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout,
      // A backend that offers to keep it for longer would be followed too late when it moves.
      keepAliveMaxTimeout: keepAliveTimeout,
      allowH2,
      h2Options: { pingInterval: PING_MS },
      connect,
      aging: { clock, keptForMs: dnsRefreshMs - keepAliveTimeout },
    };
    const open = (origin: URL): Connection => new Connection(origin, connection);
    // Undici's own limit asks the clock for every busy connection at every request: 0.2 ms behind a thousand
    // streams. Connections that are shared are few, and never idle enough to end by themselves.
    const clientTtl = allowH2 ? { clientTtl: dnsRefreshMs } : {};
    const agent = new Agent({
      factory: (origin) => new Pool(origin, { connect, allowH2, ...clientTtl, factory: open }),
    });
    return { agent, connection };
  }
}
