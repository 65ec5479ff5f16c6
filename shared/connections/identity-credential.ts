import type { AccessToken, TokenCredential } from "@azure/identity";
import { systemClock } from "../core/clock.ts";
import { createDeadline } from "../core/deadline.ts";
import { untilAborted } from "../core/until-aborted.ts";

const credentials = new Map<string, Promise<TokenCredential>>();

/**
 * The app's managed identity, or the developer's sign-in: one for all that need it, since each keeps
 * tokens of its own. The library loads on first use. Scope: per instance.
 */
export function identityCredential(clientId: string | undefined): Promise<TokenCredential> {
  const name = clientId ?? "";
  const known = credentials.get(name);
  if (known !== undefined) return known;
  const opening = open(clientId).catch((error: unknown) => {
    credentials.delete(name);
    throw error;
  });
  credentials.set(name, opening);
  return opening;
}

async function open(clientId: string | undefined): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import("@azure/identity");
  return impatient(
    new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId }),
  );
}

// The platform's own endpoint answers at once; that of a sign-in may try several ways.
const TOKEN_LIMIT_MS = 30_000;

/** Gives up a token that does not come: the library waits for a silent endpoint for as long as its caller does. */
export function impatient(
  credential: TokenCredential,
  limitMs: number = TOKEN_LIMIT_MS,
): TokenCredential {
  return {
    async getToken(scopes, options = {}): Promise<AccessToken | null> {
      const { abortSignal: parent } = options;
      using deadline = createDeadline(systemClock, systemClock.now() + limitMs, {
        reason: () => new Error(`No token came within ${limitMs} ms.`),
        ...(parent ? { parent: parent as AbortSignal } : {}),
      });
      const { signal: abortSignal } = deadline;
      const asking = credential.getToken(scopes, { ...options, abortSignal });
      return await untilAborted(asking, abortSignal);
    },
  };
}
