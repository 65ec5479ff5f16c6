import { startServer } from "./http-server.ts";

/** The identity endpoint of an app in Azure, as its process sees it. */
export interface IdentityEndpoint extends AsyncDisposable {
  /** The environment by which Azure's own library finds it. */
  readonly env: Readonly<Record<string, string>>;
  /** For what tokens were asked, in turn. */
  readonly asked: string[];
}

const SECRET = "identity-header-secret";

/**
 * Gives tokens as App Service and Functions do.
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
export async function startIdentityEndpoint(): Promise<IdentityEndpoint> {
  const asked: string[] = [];
  const server = await startServer((request, response) => {
    const resource = new URL(request.url ?? "", "http://identity").searchParams.get("resource");
    if (request.headers["x-identity-header"] !== SECRET || resource === null) {
      response.writeHead(401).end();
      return;
    }
    asked.push(resource);
    const token = {
      access_token: `secret-token-for-${resource}`,
      client_id: "00000000-0000-0000-0000-000000000000",
      expires_on: String(Math.floor(Date.now() / 1000) + 86_400),
      resource,
      token_type: "Bearer",
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(token));
  });
  return {
    env: { IDENTITY_ENDPOINT: `${server.origin}/msi/token`, IDENTITY_HEADER: SECRET },
    asked,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
