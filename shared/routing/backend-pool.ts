import { type HostSettings, hostKey, type Settings } from "../config/index.ts";
import type { Clock } from "../core/clock.ts";
import type { BackendId, Random } from "../core/domain.ts";
import { AffinityTokens } from "./affinity-tokens.ts";
import type { BackendState, BackendStateOptions, BackendTurn } from "./backend-state.ts";
import type { BackendView } from "./backend-view.ts";
import { KnownBackends } from "./known-backends.ts";
import { matchHosts, type ServingHost, servingHost } from "./match-hosts.ts";
import { nextTurns } from "./order-backends.ts";
import type { LineTurn, RestLine } from "./rest-line.ts";
import { RoomWatch } from "./room-watch.ts";
import { type RouteQuery, type Selection, selectBackends } from "./select-backends.ts";

/** A backend as a request would call it. */
export interface Candidate extends BackendView {
  /** Path and query to send. */
  readonly target: string;
}

export type PoolSettings = Pick<Settings, "hosts" | "loadBalanceMode" | "routing">;

export interface BackendPoolOptions {
  readonly settings: PoolSettings;
  readonly clock: Clock;
  readonly random: Random;
  /** Told at once, while a call begins or ends. */
  readonly onBreakerChange?: BackendStateOptions["onBreakerChange"];
}

/** What a request's path is held against. */
interface ServingBackend extends ServingHost {
  readonly state: BackendState;
}

function servingOf(
  { hosts }: PoolSettings,
  states: ReadonlyMap<string, BackendState>,
): readonly ServingBackend[] {
  return hosts.flatMap((host) => {
    const state = states.get(hostKey(host));
    return state ? [{ ...servingHost(host), state }] : [];
  });
}

/**
 * The backends with all that is remembered of them: chooses one for a request, and learns from how the
 * call went. Scope: per instance; each instance judges backends by its own traffic.
 */
export class BackendPool {
  readonly room: RoomWatch;
  readonly #clock: Clock;
  readonly #random: Random;
  #settings: PoolSettings;
  #affinity: AffinityTokens;
  readonly #known: KnownBackends;
  #states: ReadonlyMap<string, BackendState>;
  #serving: readonly ServingBackend[];

  constructor({ settings, clock, random, onBreakerChange }: BackendPoolOptions) {
    this.room = new RoomWatch(clock);
    this.#clock = clock;
    this.#random = random;
    this.#settings = settings;
    this.#affinity = new AffinityTokens(settings.hosts, settings.routing.affinitySalt);
    this.#known = new KnownBackends(clock, onBreakerChange);
    this.#states = this.#known.statesFor(settings);
    this.#serving = servingOf(settings, this.#states);
  }

  /** The settings in force. */
  get settings(): PoolSettings {
    return this.#settings;
  }

  /** All backends, for whoever probes or shows them. */
  get backends(): readonly BackendState[] {
    return [...this.#states.values()];
  }

  /**
   * Takes new settings as a whole. A backend that is still there keeps all that is known about it, under
   * whatever number, and so does one that comes back. Calls to one that is gone end as they would have.
   */
  useSettings(settings: PoolSettings): void {
    this.#states = this.#known.statesFor(settings);
    this.#serving = servingOf(settings, this.#states);
    this.#settings = settings;
    this.#affinity = new AffinityTokens(settings.hosts, settings.routing.affinitySalt);
    this.#known.closeLines();
    this.room.changed();
  }

  /** Whether any backend serves the path at all, and then who may be called, and why not the others. */
  select(target: string, query: RouteQuery): Selection<Candidate> | undefined {
    const { loadBalanceMode: mode, routing } = this.#settings;
    const matches = matchHosts(this.#serving, target);
    if (matches.length === 0) return undefined;
    const nowMs = this.#clock.now();
    const views = matches.map(({ serving, target }) => ({ ...serving.state.view(nowMs), target }));
    const { spill } = routing;
    const policy = { mode, spill, affinity: this.#affinity, random: this.#random };
    return selectBackends(views, query, { nowMs, policy });
  }

  /** The lines of those that wait for backends that rest. */
  lines(keys: ReadonlySet<string>): readonly RestLine[] {
    return [...keys].flatMap((key) => this.#states.get(key)?.line ?? []);
  }

  /** A call to the first candidate of a selection begins; a turn elsewhere is given back. */
  begin(
    { candidates }: Selection<Candidate>,
    isRetry: boolean,
    lineTurn?: LineTurn,
  ): BackendTurn | undefined {
    const [called] = candidates;
    const own = lineTurn?.key === called?.key ? lineTurn : undefined;
    if (!own) lineTurn?.giveBack();
    const state = called && this.#states.get(called.key);
    if (!called || !state) return undefined;
    // Who is alone has its turn, and keeps it.
    if (candidates.length > 1) this.#passTurn(candidates, called);
    return this.#freeing(state, state.begin(this.#clock.now(), isRetry, own));
  }

  #passTurn(candidates: readonly Candidate[], called: Candidate): void {
    const equals = candidates.filter(({ host }) => host.tier === called.host.tier);
    for (const [key, turn] of nextTurns(equals, called)) {
      const equal = this.#states.get(key);
      if (equal) equal.turn = turn;
    }
  }

  /** The value by which a client may ask for this backend again. */
  affinityOf(host: HostSettings): string {
    return this.#affinity.of(host);
  }

  /** Whether a value asks for one of these backends. */
  isAffinity(token: string): boolean {
    return this.#affinity.has(token);
  }

  /** The backends that would be called now if a request came: the facts behind readiness. */
  activeHosts(): readonly BackendId[] {
    const nowMs = this.#clock.now();
    return this.backends
      .map((state) => state.view(nowMs))
      .filter(({ isHealthy, breaker }) => isHealthy && breaker.state !== "open")
      .map(({ host }) => host.id);
  }

  #freeing(state: BackendState, turn: BackendTurn): BackendTurn {
    let isHeld = true;
    return {
      ...turn,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        turn.release();
        if (state.host.maxConcurrency !== undefined) this.room.freed(state.key);
      },
    };
  }
}
