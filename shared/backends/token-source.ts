import type { Clock } from "../core/clock.ts";

/** The gateway's own identity towards backends. */
export interface TokenSource {
  /** A bearer token for a scope such as `https://cognitiveservices.azure.com/.default`. */
  token(scope: string, signal: AbortSignal): Promise<string>;
}

interface CachedToken {
  readonly token: string;
  readonly expiresAt: number;
}

/** Gets a new token; production asks Entra ID, tests answer at once. */
export type FetchToken = (scope: string, signal: AbortSignal) => Promise<CachedToken>;

const RENEW_BEFORE_MS = 300_000;

/**
 * Keeps one token a scope until shortly before it expires; callers that come while a token is being
 * fetched share the fetch. Scope: per instance.
 */
export class CachingTokenSource implements TokenSource {
  readonly #clock: Clock;
  readonly #fetchToken: FetchToken;
  readonly #tokens = new Map<string, CachedToken>();
  readonly #fetching = new Map<string, Promise<CachedToken>>();

  constructor(clock: Clock, fetchToken: FetchToken) {
    this.#clock = clock;
    this.#fetchToken = fetchToken;
  }

  async token(scope: string, signal: AbortSignal): Promise<string> {
    const known = this.#tokens.get(scope);
    const now = this.#clock.now();
    if (known && known.expiresAt - RENEW_BEFORE_MS > now) return known.token;
    try {
      return (await this.#fetch(scope, signal)).token;
    } catch (error) {
      // The identity service may be away for a while; a token that still lives is still good.
      if (known && known.expiresAt > now) return known.token;
      throw error;
    }
  }

  #fetch(scope: string, signal: AbortSignal): Promise<CachedToken> {
    const running = this.#fetching.get(scope);
    if (running !== undefined) return running;
    const fetching = this.#fetchToken(scope, signal)
      .then((fresh) => {
        this.#tokens.set(scope, fresh);
        return fresh;
      })
      .finally(() => this.#fetching.delete(scope));
    this.#fetching.set(scope, fetching);
    return fetching;
  }
}

/** Tokens of the app's managed identity, or of the developer's sign-in. The library loads on first use. */
export function createTokenSource(clock: Clock): TokenSource {
  let credential: Promise<import("@azure/identity").TokenCredential> | undefined;
  return new CachingTokenSource(clock, async (scope, signal) => {
    credential ??= import("@azure/identity").then(
      ({ DefaultAzureCredential }) => new DefaultAzureCredential(),
    );
    const token = await (await credential).getToken(scope, { abortSignal: signal });
    if (!token) throw new Error("The identity service gave no token.");
    return { token: token.token, expiresAt: token.expiresOnTimestamp };
  });
}
