import type { TokenCredential } from "@azure/identity";

/** The app's managed identity, or the developer's sign-in. The library loads on first use. */
export async function identityCredential(clientId: string | undefined): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential(
    clientId === undefined ? {} : { managedIdentityClientId: clientId },
  );
}
