import { identityCredential } from "../connections/index.ts";
import type { Clock } from "../core/clock.ts";
import { createDeadline } from "../core/deadline.ts";

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
const FETCH_TIMEOUT_MS = 30_000;

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
    const fetching = this.#fetch(scope);
    if (!known || known.expiresAt <= now) return (await orAborted(fetching, signal)).token;
    // A token that still lives is still good: nobody waits for its renewal, which may fail for a while.
    fetching.catch(() => {});
    return known.token;
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
    using deadline = createDeadline(this.#clock, this.#clock.now() + FETCH_TIMEOUT_MS, {
      reason: () => new Error("The identity service gave no token in time."),
    });
    const fetching = this.#fetchToken(scope, deadline.signal);
    const fresh = await orAborted(fetching, deadline.signal);
    this.#tokens.set(scope, fresh);
    return fresh;
  }
}

/** What is awaited, unless the signal aborts first. */
function orAborted<Value>(awaited: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    awaited.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Tokens of the app's managed identity, or of the developer's sign-in. The library loads on first use. */
export function createTokenSource(clock: Clock): TokenSource {
  let credential: ReturnType<typeof identityCredential> | undefined;
  return new CachingTokenSource(clock, async (scope, signal) => {
    credential ??= identityCredential(undefined);
    const token = await (await credential).getToken(scope, { abortSignal: signal });
    if (!token) throw new Error("The identity service gave no token.");
    return { token: token.token, expiresAt: token.expiresOnTimestamp };
  });
}
