import { identityCredential } from "../connections/index.ts";
import { type Clock, delay } from "../core/clock.ts";
import { createDeadline } from "../core/deadline.ts";
import type { Random } from "../core/domain.ts";
import { untilAborted } from "../core/until-aborted.ts";

/** The gateway's own identity towards backends. */
export interface TokenSource {
  /** A bearer token for a scope such as `https://cognitiveservices.azure.com/.default`. */
  token(scope: string, signal: AbortSignal): Promise<string>;
  /**
   * Another token in the place of one that a backend has refused. Undefined where there is no better one:
   * a token that is new is refused for what it may do, and not for its age.
   */
  tokenInstead(refused: string, scope: string, signal: AbortSignal): Promise<string | undefined>;
}

/** A token as the identity service gives it; times are epoch milliseconds. */
export interface FreshToken {
  readonly token: string;
  readonly expiresAt: number;
  /** From when on the service wants another to be asked for. */
  readonly refreshAt?: number | undefined;
}

/** Gets a new token; production asks Entra ID, tests answer at once. */
export type FetchToken = (scope: string, signal: AbortSignal) => Promise<FreshToken>;

export interface TokenSourceOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetchToken: FetchToken;
}

interface CachedToken extends FreshToken {
  readonly fetchedAt: number;
  /** From when on a caller sets off its renewal. */
  readonly renewAt: number;
}

const RENEW_BEFORE_MS = 300_000;
// Instances that started together must not all renew together.
const RENEW_JITTER_MS = 60_000;
// While a token lives, and the service gives no other, it is asked again so often.
const RENEW_PAUSE_MS = 30_000;
// While there is no token, callers wait for so long before the service is asked again.
const FAILURE_PAUSE_MS = 1000;
const FETCH_TIMEOUT_MS = 30_000;

/**
 * Keeps one token a scope, and renews it ahead of its end; callers that come while a token is being
 * fetched share the fetch. However many they are and whatever it answers, the identity service is asked
 * seldom. Scope: per instance.
 */
export class CachingTokenSource implements TokenSource {
  readonly #options: TokenSourceOptions;
  readonly #tokens = new Map<string, CachedToken>();
  readonly #fetching = new Map<string, Promise<CachedToken>>();
  readonly #failedAt = new Map<string, number>();

  constructor(options: TokenSourceOptions) {
    this.#options = options;
  }

  async token(scope: string, signal: AbortSignal): Promise<string> {
    const known = this.#tokens.get(scope);
    const now = this.#options.clock.now();
    if (!known || known.expiresAt <= now) {
      return (await untilAborted(this.#fetch(scope), signal)).token;
    }
    // A token that still lives is still good: nobody waits for its renewal, which may fail for a while.
    if (known.renewAt <= now) this.#renew(scope, known);
    return known.token;
  }

  async tokenInstead(
    refused: string,
    scope: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const known = this.#tokens.get(scope);
    if (known && known.token !== refused) return known.token;
    const isNew = known && this.#options.clock.now() < known.fetchedAt + RENEW_PAUSE_MS;
    if (isNew) return undefined;
    const { token } = await untilAborted(this.#fetch(scope), signal);
    return token === refused ? undefined : token;
  }

  #renew(scope: string, known: CachedToken): void {
    const { clock } = this.#options;
    this.#fetch(scope).catch(() => {
      if (this.#tokens.get(scope) !== known) return;
      this.#tokens.set(scope, { ...known, renewAt: clock.now() + RENEW_PAUSE_MS });
    });
  }

  #fetch(scope: string): Promise<CachedToken> {
    const running = this.#fetching.get(scope);
    if (running !== undefined) return running;
    const fetching = this.#fetchOnce(scope).finally(() => this.#fetching.delete(scope));
    this.#fetching.set(scope, fetching);
    return fetching;
  }

  // Under a deadline of its own: a fetch that is shared must not end with the caller who came first.
  async #fetchOnce(scope: string): Promise<CachedToken> {
    const { clock, fetchToken } = this.#options;
    using deadline = createDeadline(clock, clock.now() + FETCH_TIMEOUT_MS, {
      reason: () => new Error("The identity service gave no token in time."),
    });
    const { signal } = deadline;
    const earliestAt = (this.#failedAt.get(scope) ?? 0) + FAILURE_PAUSE_MS;
    if (earliestAt > clock.now()) await delay(clock, earliestAt - clock.now(), signal);
    try {
      const fresh = this.#asOfNow(await untilAborted(fetchToken(scope, signal), signal));
      this.#tokens.set(scope, fresh);
      this.#failedAt.delete(scope);
      return fresh;
    } catch (error) {
      this.#failedAt.set(scope, clock.now());
      throw error;
    }
  }

  #asOfNow(fresh: FreshToken): CachedToken {
    const { clock, random } = this.#options;
    const fetchedAt = clock.now();
    const { expiresAt, refreshAt = Number.POSITIVE_INFINITY } = fresh;
    const wantedAt = Math.min(refreshAt, expiresAt - RENEW_BEFORE_MS) + random() * RENEW_JITTER_MS;
    // The service may give the same token again, or one that ends soon.
    return { ...fresh, fetchedAt, renewAt: Math.max(wantedAt, fetchedAt + RENEW_PAUSE_MS) };
  }
}

/** Tokens of the app's managed identity, or of the developer's sign-in. The library loads on first use. */
export function createTokenSource(clock: Clock, random: Random): TokenSource {
  const fetchToken: FetchToken = async (scope, abortSignal) => {
    const credential = await identityCredential(undefined);
    const given = await credential.getToken(scope, { abortSignal });
    if (!given) throw new Error("The identity service gave no token.");
    const { token, expiresOnTimestamp: expiresAt, refreshAfterTimestamp: refreshAt } = given;
    return { token, expiresAt, refreshAt };
  };
  return new CachingTokenSource({ clock, random, fetchToken });
}
