import { Agent, type Dispatcher } from "undici";
import type { HostSettings } from "../config/index.ts";
import { fromRawHeaders, type HeaderList, withoutHeaders } from "../core/headers.ts";
import type { TokenSource } from "./token-source.ts";

/** One call to one backend. */
export interface BackendCall {
  readonly host: HostSettings;
  readonly method: string;
  /** Path and query exactly as they go on the wire. */
  readonly target: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
  /** Ends the call, also while its body is being read. */
  readonly signal: AbortSignal;
}

/** What a backend began to answer. The body must be read to its end, or discarded. */
export interface BackendAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives up the rest of the body and the connection with it. */
  discard(): void;
}

/** Makes calls to backends. */
export interface BackendClient {
  call(call: BackendCall): Promise<BackendAnswer>;
  close(): Promise<void>;
}

export interface BackendClientOptions {
  ignoreTlsErrors: boolean;
  tokens: TokenSource;
}

const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;

/**
 * The HTTP client of all backends: one pool of kept-alive connections an origin. Time limits are the
 * caller's, through the signal, so undici's own are off.
 */
export function createBackendClient({
  ignoreTlsErrors,
  tokens,
}: BackendClientOptions): BackendClient {
  const agent = new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: !ignoreTlsErrors },
  });
  return {
    call: (call) => send(agent, tokens, call),
    close: () => agent.destroy(),
  };
}

async function send(
  agent: Agent,
  tokens: TokenSource,
  { host, method, target, headers, body, signal }: BackendCall,
): Promise<BackendAnswer> {
  const identified = host.tokenScope
    ? withToken(headers, await tokens.token(host.tokenScope, signal))
    : headers;
  const {
    statusCode,
    headers: raw,
    body: stream,
  } = await agent.request({
    origin: host.origin,
    path: target,
    method: method as Dispatcher.HttpMethod,
    headers: identified.flat() as string[],
    body: body ?? null,
    signal,
    responseHeaders: "raw",
  });
  // With responseHeaders "raw" undici gives a flat list, which its types do not say.
  const rawHeaders = raw as unknown as (string | Buffer)[];
  return {
    status: statusCode,
    headers: fromRawHeaders(rawHeaders),
    body: stream,
    discard() {
      // An unread stream that is destroyed reports an abort; nobody is left to hear it.
      stream.on("error", () => {}).destroy();
    },
  };
}

function withToken(headers: HeaderList, token: string): HeaderList {
  const anonymous = withoutHeaders(
    headers,
    (name) => name === "authorization" || name === "api-key",
  );
  return [...anonymous, ["authorization", `Bearer ${token}`]];
}
