import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

/** The tenant, the applications and the user of tests. */
export const TENANT = "11111111-2222-3333-4444-555555555555";
export const AUDIENCE = "api://gateway";
export const APP = "aaaaaaaa-0000-0000-0000-000000000001";
export const USER = "bbbbbbbb-0000-0000-0000-000000000001";
/** Settings by which callers show tokens of the authority `https://login.test`. */
export const ENTRA_SETTINGS = {
  GATEWAY_AUTHENTICATION: "entra",
  GATEWAY_AUTH_AUTHORITY: "https://login.test",
  GATEWAY_AUTH_TENANTS: TENANT,
  GATEWAY_AUTH_AUDIENCES: AUDIENCE,
  GATEWAY_AUTH_APPS: APP,
};

/** What a token says besides, or instead; a claim that is undefined is left out. */
export type Claims = Readonly<Record<string, unknown>>;

/** An identity service that signs whatever a test asks for. */
export interface FakeEntra {
  readonly authority: string;
  /** How often its keys were asked for. */
  readonly asked: number;
  /** The key list as it is now. */
  keys(): Promise<{ keys: object[] }>;
  /** Signs with a new key from now on; the list no longer has the old one. */
  rotate(): Promise<void>;
  /** A token of version 2, unless the claims make it another. */
  token(claims?: Claims): Promise<string>;
  /** The same with the headers of a token, above all its algorithm, and another key. */
  signed(
    claims: Claims,
    header: Record<string, string>,
    key?: Parameters<SignJWT["sign"]>[0],
  ): Promise<string>;
}

export async function createFakeEntra(
  authority = "https://login.test",
  now: () => number = Date.now,
): Promise<FakeEntra> {
  let generation = 0;
  let pair = await generateKeyPair("RS256");
  let asked = 0;
  const kid = (): string => `key-${generation}`;
  const payload = (claims: Claims): JWTPayload => {
    const seconds = Math.floor(now() / 1000);
    return {
      iss: `${authority}/${TENANT}/v2.0`,
      aud: AUDIENCE,
      tid: TENANT,
      oid: USER,
      azp: APP,
      ver: "2.0",
      iat: seconds,
      nbf: seconds,
      exp: seconds + 3600,
      ...claims,
    };
  };
  const signed: FakeEntra["signed"] = (claims, header, key = pair.privateKey) =>
    new SignJWT(payload(claims))
      .setProtectedHeader({ alg: "RS256", kid: kid(), ...header })
      .sign(key);
  return {
    authority,
    get asked() {
      return asked;
    },
    async keys() {
      asked++;
      const key = await exportJWK(pair.publicKey);
      return { keys: [{ ...key, kid: kid(), use: "sig", alg: "RS256" }] };
    },
    async rotate() {
      generation++;
      pair = await generateKeyPair("RS256");
    },
    token: (claims = {}) => signed(claims, {}),
    signed,
  };
}

/** The same behind a port of this machine. */
export async function startFakeEntra(): Promise<FakeEntra & AsyncDisposable> {
  let entra: FakeEntra | undefined;
  const server = createServer((request, response) => {
    if (request.url !== `/${TENANT}/discovery/v2.0/keys`) {
      response.writeHead(404).end();
      return;
    }
    void entra?.keys().then((keys) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(keys));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  entra = await createFakeEntra(`http://127.0.0.1:${port}`);
  return Object.assign(entra, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
