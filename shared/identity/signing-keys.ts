import type { JWTVerifyGetKey } from "jose";
import type { Clock } from "../core/clock.ts";
import { createDeadline } from "../core/deadline.ts";
import { GatewayError } from "../core/errors.ts";

/** Fetches a JSON document. */
export type FetchJson = (url: string, signal: AbortSignal) => Promise<unknown>;

const FETCH_TIMEOUT_MS = 5000;
const HOUR_MS = 3_600_000;
// Entra ID replaces its keys at any time, and publishes each long before its first use.
const REFRESH_AFTER_MS = HOUR_MS;
// A key that was taken back must not count for ever because its list cannot be read.
const USABLE_FOR_MS = 24 * HOUR_MS;
// What callers send must not make us ask: an unknown key is looked for this often at most.
const COOL_DOWN_MS = 30_000;
const RETRY_AFTER_MS = 5000;

interface Loaded {
  readonly find: JWTVerifyGetKey;
  readonly at: number;
}

/**
 * The keys with which a tenant signs. They outlive the failure of the identity service: an old list is
 * used while a new one cannot be had. Scope: per instance.
 */
export class SigningKeys {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #fetchJson: FetchJson;
  #loaded: Loaded | undefined;
  #loading: Promise<Loaded> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(url: string, { clock, fetchJson }: { clock: Clock; fetchJson: FetchJson }) {
    this.#url = url;
    this.#clock = clock;
    this.#fetchJson = fetchJson;
  }

  /** The key that a token names. Throws `identity-unavailable` where the keys cannot be had. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const { errors } = await import("jose");
    const known = await this.#current();
    try {
      return await known.find(header, token);
    } catch (error) {
      const isNew = error instanceof errors.JWKSNoMatchingKey && this.#mayTry();
      if (!isNew) throw error;
      return (await this.#load()).find(header, token);
    }
  };

  async #current(): Promise<Loaded> {
    const known = this.#loaded;
    const age = known ? this.#clock.now() - known.at : Number.POSITIVE_INFINITY;
    if (!known || age >= USABLE_FOR_MS) return this.#load();
    if (age >= REFRESH_AFTER_MS && this.#mayTry()) this.#load().catch(() => {});
    return known;
  }

  #mayTry(): boolean {
    return this.#clock.now() - this.#triedAt >= COOL_DOWN_MS;
  }

  #load(): Promise<Loaded> {
    this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadOnce(): Promise<Loaded> {
    this.#triedAt = this.#clock.now();
    using deadline = createDeadline(this.#clock, this.#triedAt + FETCH_TIMEOUT_MS, {
      reason: () => new Error("The identity service gave no keys in time."),
    });
    try {
      const { createLocalJWKSet } = await import("jose");
      const document = await this.#fetchJson(this.#url, deadline.signal);
      // It checks the document's shape, and throws where it is no list of keys.
      const find = createLocalJWKSet(document as Parameters<typeof createLocalJWKSet>[0]);
      this.#loaded = { find, at: this.#clock.now() };
      return this.#loaded;
    } catch (cause) {
      throw new GatewayError("identity-unavailable", "Access tokens cannot be checked now.", {
        cause,
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
  }
}
