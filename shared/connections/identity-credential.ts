import type { TokenCredential } from "@azure/identity";

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
  return new DefaultAzureCredential(
    clientId === undefined ? {} : { managedIdentityClientId: clientId },
  );
}
