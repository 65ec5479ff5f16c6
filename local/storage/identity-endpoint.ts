import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { listen, stopListening } from "./listening.ts";

const TOKEN_LIFE_SECONDS = 60 * 60;
const CLOCK_SKEW_SECONDS = 5 * 60;
const STOP_GRACE_MS = 1000;
// Azurite takes tokens for storage from any issuer that begins so; it checks no signature.
const ISSUER = "https://sts.windows.net/local/";
const STORAGE_RESOURCE = /^https:\/\/storage\.azure\.com\/?$/;
const WHO = "00000000-0000-0000-0000-000000000001";

/** The identity endpoint of an app's environment, with the settings that lead to it. */
export interface RunningIdentity {
  readonly settings: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * The token endpoint that App Service gives to apps with a managed identity, so that the unmodified
 * credential libraries find one. It vouches for storage alone, and refuses every other resource.
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
export async function startIdentity(port: number): Promise<RunningIdentity> {
  const secret = randomBytes(16).toString("hex");
  const server = createServer((request, response) => {
    const { status, body } = answer(
      request.url ?? "/",
      request.headers["x-identity-header"],
      secret,
    );
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  const listeningPort = await listen(server, port, "identity tokens");
  return {
    settings: {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${listeningPort}/msi/token`,
      IDENTITY_HEADER: secret,
    },
    close: () => stop(server),
  };
}

const stop = (server: Server): Promise<void> => stopListening(server, STOP_GRACE_MS);

interface Answer {
  readonly status: number;
  readonly body: object;
}

const refused = (status: number, message: string): Answer => ({
  status,
  body: { statusCode: status, message },
});

function answer(target: string, header: unknown, secret: string): Answer {
  const url = new URL(target, "http://local");
  if (url.pathname !== "/msi/token") return refused(404, "There is no such path.");
  if (header !== secret) return refused(401, "The identity header is not this stack's.");
  const resource = url.searchParams.get("resource") ?? "";
  if (!STORAGE_RESOURCE.test(resource)) {
    return refused(400, `The local stack does not emulate tokens for ${resource}.`);
  }
  return { status: 200, body: token(resource) };
}

function token(resource: string): object {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const expiresAtSeconds = nowSeconds + TOKEN_LIFE_SECONDS;
  const claims = {
    aud: resource,
    iss: ISSUER,
    iat: nowSeconds,
    nbf: nowSeconds - CLOCK_SKEW_SECONDS,
    exp: expiresAtSeconds,
    oid: WHO,
    sub: WHO,
    tid: WHO,
  };
  const parts = [{ alg: "none", typ: "JWT" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  return {
    access_token: `${parts.join(".")}.`,
    expires_on: String(expiresAtSeconds),
    resource,
    token_type: "Bearer",
  };
}
