import { type HostSettings, hostKey, hostPlace, type RoutingSettings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import { BackendState, type BackendStateOptions } from "./backend-state.ts";
import { RestLine } from "./rest-line.ts";

/** What of the settings says which backends there are. */
export interface BackendSettings {
  readonly hosts: readonly HostSettings[];
  readonly routing: RoutingSettings;
}

/** What is known of a backend that is gone is worth something if it comes back soon. */
const KEPT_MS = 600_000;

/**
 * What is remembered of backends while settings come and go. One that is taken out is known for ten more
 * minutes, and for as long as calls to it run: whoever puts it back finds its breaker as it was, and its
 * running calls still count. Scope: per instance.
 */
export class KnownBackends {
  readonly #clock: Clock;
  #inUse: ReadonlyMap<string, BackendState> = new Map();
  readonly #goneAt = new Map<BackendState, number>();

  readonly #onBreakerChange: BackendStateOptions["onBreakerChange"];

  constructor(clock: Clock, onBreakerChange?: BackendStateOptions["onBreakerChange"]) {
    this.#clock = clock;
    this.#onBreakerChange = onBreakerChange;
  }

  /** The states of these hosts, by their keys: what was known of them, or new ones. */
  statesFor({ hosts, routing }: BackendSettings): ReadonlyMap<string, BackendState> {
    this.#forget();
    const known = new Set([...this.#inUse.values(), ...this.#goneAt.keys()]);
    const taken = new Map<HostSettings, BackendState>();
    for (const sameness of [hostKey, hostPlace]) {
      const byName = new Map([...known].toReversed().map((state) => [sameness(state.host), state]));
      for (const host of hosts) {
        const state = taken.has(host) ? undefined : byName.get(sameness(host));
        if (!state || !known.delete(state)) continue;
        taken.set(host, state);
      }
    }
    this.#inUse = new Map(
      hosts.map((host) => [hostKey(host), this.#stateOf(host, routing, taken.get(host))]),
    );
    for (const state of this.#inUse.values()) this.#goneAt.delete(state);
    for (const state of known)
      if (!this.#goneAt.has(state)) this.#goneAt.set(state, this.#clock.now());
    return this.#inUse;
  }

  /** Whoever waits for a backend that is gone looks for another. */
  closeLines(): void {
    for (const { line } of this.#goneAt.keys()) line.close();
  }

  #stateOf(
    host: HostSettings,
    routing: RoutingSettings,
    known: BackendState | undefined,
  ): BackendState {
    known?.reconfigure(host, routing);
    if (known) return known;
    const line = new RestLine(hostKey(host), this.#clock);
    const onBreakerChange = this.#onBreakerChange;
    return new BackendState(host, routing, { line, ...(onBreakerChange && { onBreakerChange }) });
  }

  #forget(): void {
    const before = this.#clock.now() - KEPT_MS;
    for (const [state, goneAt] of this.#goneAt) {
      if (goneAt < before && state.inFlight === 0) this.#goneAt.delete(state);
    }
  }
}
